"""Programs that follow Redis nodes: of a session, of a scan."""
