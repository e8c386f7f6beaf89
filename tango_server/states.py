"""A writer's states in Tango's words."""

from __future__ import annotations

from tango import DevState

from nexus_writer.subscribers import SubscriberState


def scan_state(name: str) -> DevState:
    """Of a scan: INIT, ON, OFF or FAULT."""
    return DevState.names.get(name, DevState.UNKNOWN)


def session_state(state: SubscriberState, running: int) -> DevState:
    """Of a session: the same, but RUNNING while it is ON and scans are being saved."""
    if state is SubscriberState.ON and running:
        return DevState.RUNNING
    return scan_state(state.name)
