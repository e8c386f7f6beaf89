"""Where the nodes of a simulated beamline are made: in this process, or in a few others that they share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from nexus_writer.acquisition.nodes import Manager, NodeGroupProxy
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
        yield _NodeGroups([manager.create_nodegroup(f"detectors_{number}") for number in range(processes)])
    finally:
        manager.close()


class _Here:
    def make(self, class_name: str, name: str) -> Any:
        return node_type(class_name)(name)

    def close(self, node: Any) -> None:
        _close(node)


class _NodeGroups:
    """Nodes go to one group after the other."""

    def __init__(self, groups: list[NodeGroupProxy]) -> None:
        self._groups = itertools.cycle(groups)
        self._group_of: dict[Any, NodeGroupProxy] = {}

    def make(self, class_name: str, name: str) -> Any:
        group = next(self._groups)
        module = node_type(class_name).__module__
        group.register_node_type_from_module(module, class_name)
        node = group.create_node(class_name, name)
        self._group_of[node] = group
        return node

    def close(self, node: Any) -> None:
        _close(node)
        self._group_of.pop(node).remove_node(node)


def _close(node: Any) -> None:
    if node.running():
        node.stop()
    node.close()
