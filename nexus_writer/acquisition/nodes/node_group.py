"""The nodes of one process."""

from __future__ import annotations

import logging
from typing import Any

from .node import Node
from .registry import all_nodes, node_type, register_node_type_from_module
from .states import NodeState, check_call

__all__ = ["NodeGroup"]

log = logging.getLogger(__name__)


class NodeGroup:
    """Makes, starts and stops nodes. They are started last first and stopped first first: who receives is
    there before who sends, if it was made after it."""

    def __init__(self, host: Any = None, manager: Any = None) -> None:
        self.host = host
        self.manager = manager
        self._nodes: list[Node] = []
        self._removed: list[Node] = []

    def create_node(self, class_name: str, *args: Any, **kwds: Any) -> Node:
        """Of a type that was registered. UnknownNodeType (a KeyError), and what the class raises."""
        if not isinstance(class_name, str):
            raise TypeError(f"create_node takes the name of a registered class, not {class_name!r}")
        node = node_type(class_name)(*args, **kwds)
        self._nodes.append(node)
        return node

    def add_node(self, node: Node) -> None:
        """ValueError for a node that is in the group."""
        if node in self._nodes:
            raise ValueError(f"the node {node.name} is in the group already")
        if node in self._removed:
            self._removed.remove(node)
        self._nodes.append(node)

    def remove_node(self, node: Node) -> None:
        """It is not closed, and may be added again; one that is closed is forgotten.

        RuntimeError while it runs, KeyError if not here.
        """
        if node not in self._nodes:
            raise KeyError(f"the node {node.name} is not in the group")
        if node.running():
            raise RuntimeError(f"the node {node.name} is running: stop it first")
        self._nodes.remove(node)
        if not node.closed():
            self._removed.append(node)

    def list_nodes(self) -> list[Node]:
        return list(self._nodes)

    def list_node_types(self) -> list[str]:
        return sorted(all_nodes)

    def register_node_type_from_module(self, modname: str, classname: str) -> None:
        """As the function of that name, in this process."""
        register_node_type_from_module(modname, classname)

    def start_all_nodes(self) -> None:
        """All or none: NodeStateError before any is started, if one can not be; if one fails to start, those
        that were started are stopped again."""
        for node in self._nodes:
            check_call(node.name or type(node).__name__, "start", node.state)
        started: list[Node] = []
        try:
            for node in reversed(self._nodes):
                node.start()
                started.append(node)
        except BaseException:
            _stop(started[::-1])
            raise

    def stop_all_nodes(self) -> None:
        """Those that run or have failed. Raises what the first one raised, when all were told to stop."""
        error = _stop(self._nodes)
        if error is not None:
            raise error

    def any_node_running(self) -> bool:
        return any(node.running() for node in self._nodes)

    def close(self) -> None:
        """Stop and close all nodes, those that were removed too; what that raises is logged."""
        nodes = [*self._nodes, *self._removed]
        failed = _stop(nodes)
        if failed is not None:
            log.error("stopping a node failed: %s", failed, exc_info=failed)
        for node in nodes:
            try:
                node.close()
            except Exception as error:
                log.error("closing the node %s failed: %s", node.name, error, exc_info=error)
        self._nodes, self._removed = [], []


def _stop(nodes: list[Node]) -> Exception | None:
    """All that can be stopped; returns what the first failure was. The others are logged."""
    first: Exception | None = None
    for node in nodes:
        if node.state not in (NodeState.RUNNING, NodeState.FAULT):
            continue
        try:
            node.stop()
        except Exception as error:
            if first is not None:
                log.error("stopping the node %s failed: %s", node.name, error, exc_info=error)
            first = first or error
    return first
