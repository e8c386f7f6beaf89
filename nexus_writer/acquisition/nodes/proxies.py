"""Node groups, nodes and streams of other processes, used as if they were here.

A method is called there, an attribute is read there. Exceptions come as they were raised, with the traceback
of the other process as their cause.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..input_stream import InputStream
from ..output_stream import OutputStream
from .group_link import GroupLink
from .group_requests import public_methods

__all__ = ["NodeGroupProxy", "NodeProxy", "StreamProxy"]

LOOK_S = 0.02
_STREAM_METHODS = {"inputs": public_methods(InputStream), "outputs": public_methods(OutputStream)}


class NodeGroupProxy:
    """A NodeGroup in a process of its own; the same methods, with proxies of its nodes.

    Raises NodeGroupDied when the process is gone, CallTimeout when it does not answer. Requests are answered
    one after the other.
    """

    def __init__(self, link: GroupLink) -> None:
        self.link = link
        self.name = link.name

    def create_node(self, class_name: str, *args: Any, **kwds: Any) -> NodeProxy:
        """Of a type that is registered there: UnknownNodeType (a KeyError) for others."""
        made = self.link.ask("create_node", class_name=class_name, args=list(args), kwds=kwds)
        return NodeProxy(self.link, made)

    def add_node(self, node: NodeProxy) -> None:
        """One of this group's that was removed."""
        self.link.ask("add_node", node=self._number(node))

    def remove_node(self, node: NodeProxy) -> None:
        """RuntimeError while it runs."""
        self.link.ask("remove_node", node=self._number(node))

    def list_nodes(self) -> list[NodeProxy]:
        return [NodeProxy(self.link, one) for one in self.link.ask("list_nodes")]

    def list_node_types(self) -> list[str]:
        types: list[str] = self.link.ask("list_node_types")
        return types

    def register_node_type_from_module(self, modname: str, classname: str) -> None:
        """The module is imported there."""
        self.link.ask("register_node_type_from_module", modname=modname, classname=classname)

    def start_all_nodes(self) -> None:
        """All or none."""
        self.link.ask("start_all_nodes")

    def stop_all_nodes(self) -> None:
        self.link.ask("stop_all_nodes")

    def any_node_running(self) -> bool:
        return bool(self.link.ask("any_node_running"))

    def pid(self) -> int:
        """Of its process, on its host."""
        return int(self.link.ask("pid"))

    def alive(self) -> bool:
        """Is its process there?"""
        return self.link.alive()

    def close(self, force: bool = False) -> None:
        """Stop and close its nodes, end its process; with ``force`` it is killed. Again: nothing."""
        self.link.close(force)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeGroupProxy) and other.link.key == self.link.key

    def __hash__(self) -> int:
        return hash(self.link.key)

    def __repr__(self) -> str:
        return f"<node group {self.name}>"

    def _number(self, node: NodeProxy) -> int:
        if not isinstance(node, NodeProxy) or node._link.key != self.link.key:
            raise KeyError(f"{node!r} is not a node of the group {self.name}")
        return node._node


class NodeProxy:
    """A node of a group in another process. ``inputs`` and ``outputs`` are proxies of its streams."""

    name: str
    type_name: str

    def __init__(self, link: GroupLink, described: Mapping[str, Any]) -> None:
        self._link = link
        self._node: int = described["node"]
        self._methods: list[str] = described["methods"]
        self.name = described["name"]
        self.type_name = described["type"]

    @property
    def inputs(self) -> dict[str, StreamProxy]:
        return self._streams("inputs")

    @property
    def outputs(self) -> dict[str, StreamProxy]:
        return self._streams("outputs")

    @property
    def input(self) -> StreamProxy:
        """The only input; AssertionError unless there is exactly one."""
        return self._only("inputs")

    @property
    def output(self) -> StreamProxy:
        """The only output; AssertionError unless there is exactly one."""
        return self._only("outputs")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Of a ThreadedNode: True when its work is done. Other calls are answered meanwhile."""
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._call("wait", 0.0):
            if end_s is not None and time.monotonic() >= end_s:
                return False
            time.sleep(LOOK_S)
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._methods:
            return partial(self._call, name)
        return self._link.ask("node_get", node=self._node, name=name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeProxy) and self._id() == other._id()

    def __hash__(self) -> int:
        return hash(self._id())

    def __repr__(self) -> str:
        return f"<{self.type_name} {self.name} of the node group {self._link.name}>"

    def _id(self) -> tuple[object, int]:
        return self._link.key, self._node

    def _call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        return self._link.ask("node_call", node=self._node, method=method, args=list(args), kwargs=kwargs)

    def _streams(self, side: str) -> dict[str, StreamProxy]:
        names = self._link.ask("stream_names", node=self._node, side=side)
        return {name: StreamProxy(self._link, self._node, side, name) for name in names}

    def _only(self, side: str) -> StreamProxy:
        streams = self._streams(side)
        if len(streams) != 1:
            names = ", ".join(streams) or "none"
            raise AssertionError(f"{self!r} has {len(streams)} {side} ({names}): name it")
        return next(iter(streams.values()))


class StreamProxy:
    """An input or output of a node in another process.

    It can be what an input is connected to, here or there: only the parameters of an output go through the
    node group's line, what it sends does not.
    """

    def __init__(self, link: GroupLink, node: int, side: str, name: str) -> None:
        self._link, self._node, self._side, self.name = link, node, side, name

    def connect(self, output: Any) -> None:
        """An input's: as ``InputStream.connect``, with an output of any process of this host."""
        params = output if isinstance(output, Mapping) else getattr(output, "params", output)
        self._call("connect", dict(params) if isinstance(params, Mapping) else params)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _STREAM_METHODS[self._side]:
            return partial(self._call, name)
        return self._link.ask("stream_get", node=self._node, side=self._side, stream=self.name, name=name)

    def __repr__(self) -> str:
        return f"<{self.name} among the {self._side} of a node of the node group {self._link.name}>"

    def _call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        return self._link.ask(
            "stream_call",
            node=self._node,
            side=self._side,
            stream=self.name,
            method=method,
            args=list(args),
            kwargs=kwargs,
        )
