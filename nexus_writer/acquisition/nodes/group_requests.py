"""What a node group may be asked for from another process: a closed list of requests, by name.

Nodes are told apart by numbers. Answers are of plain types, but for what nodes' own methods return; so a
request can go through any engine that carries dictionaries.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

from ..input_stream import InputStream
from ..output_stream import OutputStream
from .node import Node
from .node_group import NodeGroup

__all__ = ["REQUESTS", "GroupRequests", "public_methods"]

REQUESTS = (
    "pid",
    "claim",
    "create_node",
    "add_node",
    "remove_node",
    "list_nodes",
    "list_node_types",
    "register_node_type_from_module",
    "start_all_nodes",
    "stop_all_nodes",
    "any_node_running",
    "node_call",
    "node_get",
    "stream_names",
    "stream_call",
    "stream_get",
)


class GroupRequests:
    """Requests to a NodeGroup: ``ask(request, arguments)``."""

    def __init__(self, group: NodeGroup) -> None:
        self.group = group
        self._is_claimed = False
        self._nodes: dict[int, Node] = {}
        self._numbers = itertools.count()

    def ask(self, request: str, arguments: dict[str, Any]) -> Any:
        """Raises what the group or its node raises; ValueError for what is no request."""
        if request not in REQUESTS:
            raise ValueError(f"a node group has no request {request!r}: it has {', '.join(REQUESTS)}")
        return getattr(self, request)(**arguments)

    def pid(self) -> int:
        return os.getpid()

    def claim(self) -> bool:
        """True for who asks first: of several programs that were to make the group, that one has made it."""
        is_first, self._is_claimed = not self._is_claimed, True
        return is_first

    def create_node(self, class_name: str, args: list[Any], kwds: dict[str, Any]) -> dict[str, Any]:
        """What a proxy needs: the node's number, name, type, and the names of its methods."""
        node = self.group.create_node(class_name, *args, **kwds)
        self._nodes[next(self._numbers)] = node
        return self._described(node)

    def add_node(self, node: int) -> None:
        self.group.add_node(self._node(node))

    def remove_node(self, node: int) -> None:
        """One that is closed is forgotten."""
        removed = self._node(node)
        self.group.remove_node(removed)
        if removed.closed():
            del self._nodes[node]

    def list_nodes(self) -> list[dict[str, Any]]:
        return [self._described(node) for node in self.group.list_nodes()]

    def list_node_types(self) -> list[str]:
        return self.group.list_node_types()

    def register_node_type_from_module(self, modname: str, classname: str) -> None:
        self.group.register_node_type_from_module(modname, classname)

    def start_all_nodes(self) -> None:
        self.group.start_all_nodes()

    def stop_all_nodes(self) -> None:
        self.group.stop_all_nodes()

    def any_node_running(self) -> bool:
        return self.group.any_node_running()

    def node_call(self, node: int, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return getattr(self._node(node), _public(method))(*args, **kwargs)

    def node_get(self, node: int, name: str) -> Any:
        return getattr(self._node(node), _public(name))

    def stream_names(self, node: int, side: str) -> list[str]:
        return list(self._streams(node, side))

    def stream_call(
        self, node: int, side: str, stream: str, method: str, args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        return getattr(self._stream(node, side, stream), _public(method))(*args, **kwargs)

    def stream_get(self, node: int, side: str, stream: str, name: str) -> Any:
        return getattr(self._stream(node, side, stream), _public(name))

    def _node(self, number: int) -> Node:
        if number not in self._nodes:
            raise KeyError(f"the node {number} is not of this group")
        return self._nodes[number]

    def _streams(self, node: int, side: str) -> dict[str, InputStream] | dict[str, OutputStream]:
        return self._node(node).inputs if side == "inputs" else self._node(node).outputs

    def _stream(self, node: int, side: str, name: str) -> InputStream | OutputStream:
        streams = self._streams(node, side)
        if name not in streams:
            known = ", ".join(streams) or "none"
            raise KeyError(f"the node {self._node(node).name} has no {name!r} among its {side} ({known})")
        return streams[name]

    def _described(self, node: Node) -> dict[str, Any]:
        number = next(number for number, one in self._nodes.items() if one is node)
        kind = type(node)
        return {"node": number, "name": node.name, "type": kind.__name__, "methods": public_methods(kind)}


def public_methods(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))]


def _public(name: str) -> str:
    if name.startswith("_"):
        raise AttributeError(f"{name} is not for others")
    return name
