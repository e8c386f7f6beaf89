"""A node group as a Tango device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tango import DevState
from tango.server import Device, attribute, command

from nexus_writer.acquisition.nodes.group_requests import GroupRequests
from nexus_writer.acquisition.nodes.node_group import NodeGroup

from .failures import described
from .wire import packed, unpacked


class NxAcqGroup(Device):  # type: ignore[misc]
    """Nodes of one process on this host, for programs on any host."""

    def init_device(self) -> None:
        super().init_device()
        self._requests = GroupRequests(NodeGroup())
        self._worker = ThreadPoolExecutor(1, "node group")
        self.set_state(DevState.ON)

    def delete_device(self) -> None:
        """Close all nodes."""
        self._worker.submit(self._requests.group.close).result()
        self._worker.shutdown()

    @command
    def Ask(self, request: str) -> str:  # noqa: N802 - a Tango command
        """A request of GroupRequests with its arguments, and the answer or the error, as JSON.

        Requests are answered one after the other, all in the same thread.
        """
        return self._worker.submit(self._answer, request).result()

    @attribute(dtype=(str,), max_dim_x=1000, doc="Name, class and state of each node.")
    def nodes(self) -> list[str]:
        """For people: Astor, Jive."""
        nodes = self._requests.group.list_nodes()
        return [f"{node.name} ({type(node).__name__}): {node.state.value}" for node in nodes]

    def _answer(self, text: str) -> str:
        try:
            found = unpacked(text)
            return packed({"answer": self._requests.ask(found["request"], found["arguments"])})
        except Exception as error:
            return packed({"error": described(error)})

    def dev_status(self) -> str:
        """How many nodes there are, and how many run."""
        nodes: list[Any] = self._requests.group.list_nodes()
        return f"{len(nodes)} nodes, {sum(node.running() for node in nodes)} of them running"
