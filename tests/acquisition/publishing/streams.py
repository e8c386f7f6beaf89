"""Streams for a publisher, and what Redis has of its scans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import redis

from nexus_writer.acquisition import OutputStream
from nexus_writer.acquisition.publishing import RedisPublisher, StreamScan
from nexus_writer.data.pickles import loads
from nexus_writer.data.points import PointDecoder

SESSION = "simulated"


@contextmanager
def publisher(
    url: str, directory: Path, streams: dict[str, dict[str, Any]], **parameters: Any
) -> Iterator[tuple[RedisPublisher, dict[str, OutputStream]]]:
    """A publisher that is initialized, and the outputs that it is connected to."""
    node, outputs = RedisPublisher("publisher"), {name: OutputStream(name=name) for name in streams}
    try:
        node.configure(
            streams=list(streams), session=SESSION, directory=directory, redis_url=url, **parameters
        )
        for name, params in streams.items():
            outputs[name].configure(**params)
            node.inputs[name].connect(outputs[name])
        node.initialize()
        yield node, outputs
    finally:
        if node.running():
            node.stop()
        node.close()
        for output in outputs.values():
            output.close()


def signal(columns: int = 1, dtype: str = "float64", **params: Any) -> dict[str, Any]:
    return {"shape": (-1, columns), "dtype": dtype, **params}


def entries(client: redis.Redis, key: str) -> list[tuple[bytes, list[bytes]]]:
    return [
        (entry, [part for field in fields.items() for part in field])
        for entry, fields in client.xrange(f"{key}_data")
    ]


def points(client: redis.Redis, scan: str, path: str) -> dict[int, Any]:
    """Blocks of the channel ``scan:path`` by the index of their first point."""
    blocks = PointDecoder(path).decode(entries(client, f"{scan}:{path}"))
    return {block.start: block.values for block in blocks}


def all_points(client: redis.Redis, scan: str, path: str) -> np.ndarray[Any, Any]:
    found = points(client, scan, path)
    assert list(found)[:1] in ([0], [])
    return np.concatenate(list(found.values()))


def info(client: redis.Redis, key: str) -> dict[str, Any]:
    return {name.decode(): loads(value) for name, value in client.hgetall(f"{key}_info").items()}


def ended_with(client: redis.Redis, scan: str) -> str:
    """The text of END_SCAN; fails where it was not published once."""
    ((_, fields),) = client.xrange(f"{scan}_end")
    return str(loads(fields[b"__EXCEPTION__"]))


__all__ = ["StreamScan"]
