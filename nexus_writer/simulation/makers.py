"""Where the nodes of a simulated beamline are made: in this process, or in a few others that they share."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from nexus_writer.acquisition.nodes import Manager, NodeGroupDied, NodeGroupProxy
from nexus_writer.acquisition.nodes.registry import node_type

__all__ = ["NodeMaker", "node_maker"]


class NodeMaker(Protocol):
    """Makes nodes by the name of their class; every process has to have it at hand, or import it."""

    def make(self, class_name: str, name: str) -> Any: ...

    def close(self, node: Any) -> None:
        """Stop a node that runs, and let go of it."""


@contextmanager
def node_maker(processes: int) -> Iterator[NodeMaker]:
    """For so many processes; 0: all nodes are threads of this one. They end with the context."""
    if not processes:
        yield _Here()
        return
    manager = Manager()
    try:
        yield _NodeGroups(manager, processes)
    finally:
        manager.close()


class _Here:
    def make(self, class_name: str, name: str) -> Any:
        return node_type(class_name)(name)

    def close(self, node: Any) -> None:
        _close(node)


class _NodeGroups:
    """Nodes go to one group after the other; one whose process has died is replaced."""

    def __init__(self, manager: Manager, processes: int) -> None:
        self._manager = manager
        self._groups = [manager.create_nodegroup() for _ in range(processes)]
        self._group_of: dict[Any, NodeGroupProxy] = {}
        self._next = itertools.cycle(range(processes))

    def make(self, class_name: str, name: str) -> Any:
        number = next(self._next)
        if not self._groups[number].alive():
            self._groups[number] = self._manager.create_nodegroup()
        group = self._groups[number]
        group.register_node_type_from_module(node_type(class_name).__module__, class_name)
        node = group.create_node(class_name, name)
        self._group_of[node] = group
        return node

    def close(self, node: Any) -> None:
        group = self._group_of.pop(node)
        with contextlib.suppress(NodeGroupDied):
            _close(node)
            group.remove_node(node)


def _close(node: Any) -> None:
    if node.running():
        node.stop()
    node.close()
