"""Channels whose points are nodes: the scans of a sequence or a group."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

from .channel import ChannelDataNode
from .node import DataNode


class NodeRefChannelNode(ChannelDataNode):
    """Each point is a node; None where the node is gone."""

    def get(self, from_index: int, to_index: int | None = None) -> Any:
        """As of a channel: one node, or a list of them."""
        names = super().get(from_index, to_index)
        if callable(names):  # in a pipeline: the nodes are to be asked for by their keys
            return names
        if to_index is None:
            return None if names is None else self.nodes([names])[0]
        return self.nodes(list(names))

    def __getitem__(self, index: int | slice | EllipsisType) -> Any:
        """As of a list of nodes."""
        if isinstance(index, EllipsisType):
            return self.get(0, -1)
        names = super().__getitem__(index)
        return self.nodes(list(names)) if isinstance(index, slice) else self.nodes([names])[0]

    def nodes(self, names: list[Any]) -> list[DataNode | None]:
        """The nodes with these keys, by one round trip."""
        from .factory import get_nodes

        return get_nodes(*map(str, names), connection=self.connection)
