"""The scans that a sequence or a group refers to, on their way from Redis to its file.

Redis has their keys in a channel of the sequence. Whoever listens looks up what they are, because the thread
that writes asks nothing of Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.errors import Undecodable
from nexus_writer.data.info import RawInfo
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.scan_items import NodeAdded, ScanItem, ScanPoints


@dataclass(frozen=True, slots=True)
class ScansReferenced:
    """Scans of the sequence, by key: the info of each, without fields when it is gone from Redis."""

    scans: tuple[tuple[str, RawInfo], ...]


class References:
    """Finds the references of one scan among what a listener receives."""

    def __init__(self) -> None:
        self._decoders: dict[str, PointDecoder] = {}

    def among(self, items: Sequence[ScanItem]) -> list[str]:
        """Keys of the scans that ``items`` refer to, in their order; hand over every item once."""
        found: list[str] = []
        for item in items:
            if isinstance(item, NodeAdded) and item.node_type == keys.REFERENCE_TYPE:
                self._decoders[item.key] = PointDecoder(item.key)
            elif isinstance(item, ScanPoints) and self._decoders:
                for key, entries in item.streams:
                    if key in self._decoders:
                        found += self._decoded(self._decoders[key], entries)
        return found

    def _decoded(self, decoder: PointDecoder, entries: Any) -> list[str]:
        try:
            blocks = decoder.decode(entries)
        except Undecodable as error:
            blocks = error.decoded
        return [str(name) for block in blocks for name in block.values.ravel()]


def look_up(names: Sequence[str], client: redis.Redis) -> ScansReferenced:
    """What Redis knows of these scans, by one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hgetall(keys.info(name))
        answers: list[Any] = pipeline.execute()
    return ScansReferenced(
        tuple((name, RawInfo(fields)) for name, fields in zip(names, answers, strict=True))
    )
