"""What Redis says of a scan before anything else of it is read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.info import RawInfo
from nexus_writer.data.link import Link

_LEVELS = 5
"""A scan, its dataset, collection and proposal, and what that is in."""


@dataclass(frozen=True, slots=True)
class ScanFound:
    """The first item of a scan: its info and those of the dataset, collection and proposal above it."""

    info: RawInfo
    parents: tuple[RawInfo, ...]


def find_scan(key: str, client: redis.Redis) -> ScanFound:
    """The scan's info, and those of its dataset, collection and proposal, raw.

    One round trip where the key of each node begins with that of its parent, as it does in BLISS; else one
    more for each parent. Raises redis.RedisError.
    """
    link = Link(client)
    try:
        return _find(key, link)
    finally:
        link.give_back()


def _find(key: str, link: Link) -> ScanFound:
    asked = _ask(link, list(itertools.islice(_keys_above(key), _LEVELS)))
    info, _, parent = _read(asked[key])
    parents = []
    while parent:
        if parent not in asked:
            asked |= _ask(link, [parent])
        above, node_type, grandparent = _read(asked.pop(parent))
        if node_type not in (b"dataset", b"dataset_collection", b"proposal"):
            break
        parents.append(above)
        parent = grandparent
    return ScanFound(info, tuple(parents))


def _keys_above(key: str) -> Iterator[str]:
    """The key, and what it begins with."""
    while key:
        yield key
        key = key.rpartition(":")[0]


def _ask(link: Link, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """What Redis says of nodes, or an error that it tells, by key: info; type and parent."""
    commands = [
        command
        for name in names
        for command in (
            (b"HGETALL", keys.info(name)),
            (b"HMGET", keys.to_bytes(name), b"node_type", b"parent"),
        )
    ]
    replies = link.call_all(commands)
    return dict(zip(names, zip(replies[::2], replies[1::2], strict=True), strict=True))


def _read(replies: tuple[Any, Any]) -> tuple[RawInfo, bytes | None, str]:
    """Info, type, and the key of the parent, "" where there is none. Raises redis.ResponseError."""
    for reply in replies:
        if isinstance(reply, redis.ResponseError):
            raise reply
    info, (node_type, parent) = replies
    return RawInfo.from_reply(info), node_type, keys.to_text(parent or b"")
