"""Scans, and groups and sequences of scans."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from redis.client import Pipeline

from nexus_writer.data import keys
from nexus_writer.data.pickles import dumps

from .channel import ChannelDataNode
from .container import DataNodeContainer
from .lima import LimaImageChannelDataNode
from .node import DataNode


class ScanNode(DataNodeContainer):
    """A scan. Its children are its top masters; below them are devices and channels."""

    SUFFIXES = (*DataNodeContainer.SUFFIXES, keys.END_SUFFIX, keys.PREPARED_SUFFIX)

    @property
    def dataset(self) -> DataNode | None:
        """Where it belongs: a dataset, or a directory where there is no data policy."""
        return self.parent

    def prepared(self, scan_info: Mapping[str, Any]) -> None:
        """Publish that all its nodes are there, with what its info has by now.

        Dictionaries of the info are merged, None deletes a field. Only the program that made the scan may;
        for others, as in blissdata, nothing happens.
        """
        if self.new_node:
            self._tell("PREPARED_SCAN", keys.prepared(self.db_name), scan_info, time.time())

    def end(self, scan_info: Mapping[str, Any], exception: object = None) -> None:
        """Publish its end, as ``prepared``; ``exception`` is the class of what ended it, or a text."""
        from nexus_writer.data.publishing.scan import time_fields

        if self.new_node:
            now_s = time.time()
            why = dumps("" if exception is None else str(exception))
            info = {**scan_info, **time_fields("end", now_s)}
            self._tell("END_SCAN", keys.end(self.db_name), info, now_s, {keys.EXCEPTION_FIELD: why})

    def _tell(
        self,
        event: str,
        stream: bytes,
        info: Mapping[str, Any],
        time_s: float,
        more: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """The event and the info in one transaction: who sees the one sees the other."""
        from nexus_writer.data.publishing.nodes import Fields, NodePublisher
        from nexus_writer.data.publishing.scan import strtime

        merged = {name: _merged(self.info.get(name), value) for name, value in info.items()}
        fields: Fields = {keys.EVENT_FIELD: event, keys.TIME_FIELD: dumps(time_s)}
        fields |= {keys.STRTIME_FIELD: strtime(time_s), **(more or {})}
        with self.connection.pipeline(transaction=True) as pipeline:
            NodePublisher(self.connection).rewrite_info(self.db_name, merged, pipeline)
            pipeline.xadd(stream, fields)
            pipeline.execute()


class ScanGroupNode(ScanNode):
    """A group or a sequence of scans. It refers to its scans by a channel of keys; they are its siblings."""


def get_data_from_nodes(pipeline: Pipeline, *nodes: DataNode) -> Iterator[tuple[str, Any]]:
    """All points of several channels by one round trip, each with the channel's full name.

    Of a camera a view of its images, behind the channels; other nodes are left out.
    """
    channels = [node for node in nodes if isinstance(node, ChannelDataNode)]
    asked = [(one.fullname, one.ask(pipeline)) for one in channels]
    for (name, made_of), reply in zip(asked, pipeline.execute(), strict=True):
        yield name, made_of(reply)
    for node in nodes:
        if isinstance(node, LimaImageChannelDataNode):
            yield node.fullname, node.get(0, -1)


def _merged(old: Any, new: Any) -> Any:
    """``new``, with what only ``old`` has where both are dictionaries, at all depths."""
    if not isinstance(old, dict) or not isinstance(new, Mapping):
        return new
    return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
