"""A scan published command by command, so that a test says exactly what is in Redis, and when."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import redis

DESCRIPTION = {"reference": False, "dtype": float, "shape": (), "unit": "s"}


class HandPublisher:
    """Nodes below a session, written as BLISS writes them."""

    def __init__(self, client: redis.Redis, session: str = "session") -> None:
        self.client = client
        self.session = session
        self.add(session, "container")

    def add(
        self, key: str, node_type: str, info: dict[str, Any] | None = None, *, parent: str | None = None
    ) -> str:
        """A node, announced by its parent if it has one; ``key`` comes back."""
        fields = {"version": "v1.1", "node_type": node_type, "name": key.rpartition(":")[2], "db_name": key}
        if parent is not None:
            fields["parent"] = parent
        if info:
            self.client.hset(f"{key}_info", mapping={k: pickle.dumps(v, 4) for k, v in info.items()})
        self.client.hset(key, mapping=fields)
        if parent is not None:
            self.announce(key, parent)
        return key

    def announce(self, key: str, parent: str) -> None:
        self.client.xadd(f"{parent}_children_list", {"__EVENT__": "NEW_NODE", "db_name": key})

    def below(self, parent: str, name: str, node_type: str, info: dict[str, Any] | None = None) -> str:
        """A child of ``parent``; its key."""
        return self.add(f"{parent}:{name}", node_type, info, parent=parent)

    def scan(self, name: str = "1_scan", node_type: str = "scan", *, parent: str | None = None) -> str:
        info = {"title": "a scan", "state": "PREPARING"}
        return self.below(parent or self.session, name, node_type, info)

    def channel(self, device: str, name: str, **info: Any) -> str:
        return self.below(device, name, "channel", {"shape": (), "dtype": float, "unit": "s", **info})

    def prepared(self, scan: str) -> None:
        fields = {"__EVENT__": "PREPARED_SCAN", "__TIMESTAMP__": pickle.dumps(1.0, 4), "__STRTIME__": "now"}
        self.client.xadd(f"{scan}_prepared", fields)

    def end(self, scan: str, exception: str = "", **info: Any) -> None:
        """END_SCAN and the last of the info in one transaction."""
        with self.client.pipeline(transaction=True) as pipeline:
            if info:
                pipeline.hset(f"{scan}_info", mapping={k: pickle.dumps(v, 4) for k, v in info.items()})
            fields = {"__EVENT__": "END_SCAN", "__EXCEPTION__": pickle.dumps(exception, 4)}
            pipeline.xadd(f"{scan}_end", fields)
            pipeline.execute()

    def points(self, channel: str, values: Sequence[Any], start: int = 0, **trim: Any) -> None:
        """One entry per point."""
        with self.client.pipeline(transaction=False) as pipeline:
            for index, value in enumerate(values, start):
                point = np.float64(value) if isinstance(value, float) else value
                add_entry(pipeline, channel, index, 1, point, **trim)
            pipeline.execute()

    def block(self, channel: str, values: Any, start: int = 0) -> None:
        """All points in one entry."""
        add_entry(self.client, channel, start, len(values), np.asarray(values))


def add_entry(client: Any, channel: str, start: int, points: int, value: Any, **trim: Any) -> None:
    array = np.asarray(value)
    shape = array.shape if points == 1 else array.shape[1:]
    dtype = type(value) if isinstance(value, str | bool | int) else array.dtype
    fields = {
        "__EVENT__": "CHANNELDATA",
        "__DESC__": pickle.dumps({**DESCRIPTION, "dtype": dtype, "shape": shape}, 4),
        "__NPOINTS__": points,
        "__DATA__": pickle.dumps(value, 4),
    }
    client.xadd(f"{channel}_data", fields, id=f"{start + 1}-0", **trim)
