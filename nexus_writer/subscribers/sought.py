"""What has to be known of a scan before anybody writes it: which file it wants."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.info import RawInfo
from nexus_writer.data.nodes import DataNode
from nexus_writer.model import Scan
from nexus_writer.model.location import data_file

from .claims import now

FIELDS = (
    "save",
    "data_writer",
    "filename",
    "images_path",
    "writer_options",
    "start_timestamp",
    "start_time",
)


@dataclass(frozen=True, slots=True)
class Sought:
    """A scan that appeared in Redis. ``path`` names its file as published, so that all hosts agree; "" when
    this writer does not save it, or it names none."""

    node: DataNode
    path: str
    start_time: float | None
    exists: bool = True
    seen_at: float = field(default_factory=now)

    @property
    def key(self) -> str:
        return self.node.db_name


def seek(node: DataNode, client: redis.Redis, writer_name: str) -> Sought:
    """A few fields of the scan's info, in one round trip. Raises redis.RedisError."""
    values: Any = client.hmget(keys.info(node.db_name), [keys.to_bytes(name) for name in FIELDS])
    found = {
        keys.to_bytes(name): value for name, value in zip(FIELDS, values, strict=True) if value is not None
    }
    scan = Scan.from_info(RawInfo(found).decode(), node.db_name)
    path = data_file(scan) if scan.wants_saving({writer_name}) else None
    return Sought(node, _normalised(path), scan.start_timestamp, exists=bool(found))


def _normalised(path: Path | None) -> str:
    return "" if path is None else os.path.normpath(path)
