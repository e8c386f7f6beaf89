"""What Redis says of a scan before anything else of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.info import RawInfo
from nexus_writer.data.node_info import NodeInfo


@dataclass(frozen=True, slots=True)
class ScanFound:
    """The first item of a scan: its info and those of the dataset, collection and proposal above it."""

    info: RawInfo
    parents: tuple[RawInfo, ...]


def find_scan(key: str, client: redis.Redis) -> ScanFound:
    """The scan's info, and those of its dataset, collection and proposal, raw."""
    info = NodeInfo(key, client).raw()
    parents = []
    parent: Any = client.hget(key, "parent")
    while parent:
        found: Any = client.hmget(parent, "node_type", "parent")
        node_type, above = found
        if node_type not in (b"dataset", b"dataset_collection", b"proposal"):
            break
        parents.append(NodeInfo(keys.to_text(parent), client).raw())
        parent = above
    return ScanFound(info, tuple(parents))
