"""The scans that a sequence or a group refers to, on their way from Redis to its file.

Redis has their keys in a channel of the sequence. Whoever listens looks up what they are, because the thread
that writes asks nothing of Redis.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.errors import Undecodable
from nexus_writer.data.info import RawInfo
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.scan_items import NodeAdded, ScanItem, ScanPoints
from nexus_writer.layout import ScanFile
from nexus_writer.model import Scan
from nexus_writer.model.limits import MOST_REFERENCES

from .options import WriterOptions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScansReferenced:
    """Scans of the sequence, by key: the info of each, without fields when it is gone from Redis."""

    scans: tuple[tuple[str, RawInfo], ...]


class References:
    """Finds the references of one scan among what a listener receives."""

    def __init__(self) -> None:
        self._decoders: dict[str, PointDecoder] = {}
        self._found: set[str] = set()
        self._warned = False

    def among(self, items: Sequence[ScanItem]) -> list[str]:
        """Keys of the scans that ``items`` refer to, in their order, each once, and of ``MOST_REFERENCES`` at
        most; hand over every item once."""
        found: list[str] = []
        for item in items:
            if isinstance(item, NodeAdded) and item.node_type == keys.REFERENCE_TYPE:
                self._decoders[item.key] = PointDecoder(item.key)
            elif isinstance(item, ScanPoints) and self._decoders:
                for key, entries in item.streams:
                    if key in self._decoders:
                        found += self._decoded(self._decoders[key], entries)
        return found

    def _decoded(self, decoder: PointDecoder, entries: Any) -> Iterator[str]:
        try:
            blocks = decoder.decode(entries)
        except Undecodable as error:
            blocks = error.decoded
        for block in blocks:
            if block.values.dtype.kind not in "OU":
                continue
            for name in block.values.flat:
                if not isinstance(name, str) or name in self._found:
                    continue
                if len(self._found) == MOST_REFERENCES:
                    self._warn_once(decoder.channel)
                    return
                self._found.add(name)
                yield name

    def _warn_once(self, channel: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("%s: of more than %d scans, these are linked", channel, MOST_REFERENCES)


def look_up(names: Sequence[str], client: redis.Redis) -> ScansReferenced:
    """What Redis knows of these scans, by one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hgetall(keys.info(name))
        answers: list[Any] = pipeline.execute()
    return ScansReferenced(
        tuple((name, RawInfo(fields)) for name, fields in zip(names, answers, strict=True))
    )


def refer(references: ScansReferenced, file: ScanFile, options: WriterOptions) -> None:
    """Link those of them that this writer saves in ``file``, that of the sequence or group."""
    for key, raw in references.scans:
        info = options.paths.apply_to_scan_info(raw.decode())
        if not info:
            file.warn(f"{key} is gone from Redis: it is not linked")
            continue
        scan = Scan.from_info(info, key)
        if scan.wants_saving({options.writer_name}):
            file.refer_to(scan)
