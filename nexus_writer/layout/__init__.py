"""Where everything of a scan goes in a NeXus file."""
