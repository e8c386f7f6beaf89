"""The states of a node, and which call is allowed in which of them."""

from __future__ import annotations

from enum import Enum

from .errors import NodeStateError

__all__ = ["NodeState", "check_call"]


class NodeState(Enum):
    """CREATED, CONFIGURED, INITIALIZED, RUNNING; FAULT when a running node failed; CLOSED, which is final."""

    CREATED = "not configured"
    CONFIGURED = "not initialized"
    INITIALIZED = "stopped"
    RUNNING = "running"
    FAULT = "failed"
    CLOSED = "closed"


ALLOWED = {
    "configure": (NodeState.CREATED, NodeState.CONFIGURED, NodeState.INITIALIZED),
    "initialize": (NodeState.CONFIGURED, NodeState.INITIALIZED),
    "start": (NodeState.INITIALIZED,),
    "stop": (NodeState.RUNNING, NodeState.FAULT),
    "close": (NodeState.CREATED, NodeState.CONFIGURED, NodeState.INITIALIZED, NodeState.FAULT),
}
REMEDY = {
    NodeState.CREATED: "call configure() first",
    NodeState.CONFIGURED: "call initialize() first",
    NodeState.INITIALIZED: "call start() first",
    NodeState.RUNNING: "call stop() first",
    NodeState.FAULT: "call stop(), which raises what failed, or close()",
    NodeState.CLOSED: "make a new node",
}


def check_call(node: str, call: str, state: NodeState) -> None:
    """NodeStateError where the table does not allow it."""
    if state not in ALLOWED[call]:
        raise NodeStateError(node, call, state.value, REMEDY[state])
