"""How a node comes into being in Redis.

A reader may look at any moment, so the order counts: the info, the node's hash (not yet complete), its empty
streams, the version that declares it complete, its parent, and only then the event in the parent's stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from redis.client import Pipeline

from nexus_writer.data import keys
from nexus_writer.data.errors import NotAClient
from nexus_writer.data.pickles import dumps

Fields = dict[Any, Any]

VERSION = "v1.1"
DEVICE_TYPE = "None"

_CREATE_EMPTY_STREAM = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], '0-1', 'key', 'value')
  redis.call('XDEL', KEYS[1], '0-1')
end
"""
_SCAN_STREAMS = (keys.children_list, keys.end, keys.prepared)


class NodePublisher:
    """Creates nodes and announces them; every method takes a pipeline in place of the client."""

    def __init__(self, client: redis.Redis) -> None:
        NotAClient.check(client)
        self.client = client
        self._create_empty_stream = client.register_script(_CREATE_EMPTY_STREAM)

    def create(
        self,
        key: str,
        node_type: str,
        *,
        parent: str | None,
        name: str | None = None,
        info: Mapping[str, Any] | None = None,
        pipeline: Pipeline | None = None,
    ) -> tuple[bytes, ...]:
        """Create a node without announcing it, and return all keys that it consists of.

        ``name`` is the last part of the key unless it is given. Two devices of one name share one node: it is
        written again, which changes nothing.
        """
        client = self.client if pipeline is None else pipeline
        node = keys.to_bytes(key)
        if info:
            self.update_info(key, {**info, "node_name": key}, client)
        name = name or key.rpartition(":")[2]
        fields: Fields = {"version": "None", "node_type": node_type, "name": name, "db_name": key}
        client.hset(node, mapping=fields)
        streams = _streams(key, node_type)
        for stream in streams:
            self._create_empty_stream(keys=[stream], client=client)
        client.hset(node, "version", VERSION)
        if parent is not None:
            client.hset(node, "parent", parent)
        return (node, *((keys.info(key),) if info else ()), *streams)

    def announce(self, key: str, parent: str, pipeline: Pipeline | None = None) -> None:
        client = self.client if pipeline is None else pipeline
        fields: Fields = {keys.EVENT_FIELD: keys.NEW_NODE, keys.DB_NAME_FIELD: keys.to_bytes(key)}
        client.xadd(keys.children_list(parent), fields)

    def get_or_create(
        self, key: str, node_type: str, *, parent: str | None, info: Mapping[str, Any] | None = None
    ) -> bool:
        """Create and announce a container; False when it is there already."""
        if self.client.hget(keys.to_bytes(key), "version") == VERSION.encode():
            return False
        self.create(key, node_type, parent=parent)
        if parent is not None:
            self.announce(key, parent)
        if info:
            self.update_info(key, info)
        return True

    def update_info(
        self, key: str, info: Mapping[str, Any], client: redis.Redis | Pipeline | None = None
    ) -> None:
        """Write fields of a node's info in one command; None is written as None."""
        mapping: Fields = {field: dumps(value) for field, value in info.items()}
        (self.client if client is None else client).hset(keys.info(key), mapping=mapping)

    def rewrite_info(self, key: str, info: Mapping[str, Any], pipeline: Pipeline) -> None:
        """Write fields of a node's info one by one, as BLISS does at PREPARED and END; None deletes one."""
        for field, value in info.items():
            if value is None:
                pipeline.hdel(keys.info(key), field)
            else:
                pipeline.hset(keys.info(key), field, dumps(value))


def scan_keys(key: str) -> tuple[bytes, ...]:
    """All keys that the node of a scan consists of."""
    return (keys.to_bytes(key), keys.info(key), *(stream(key) for stream in _SCAN_STREAMS))


def _streams(key: str, node_type: str) -> tuple[bytes, ...]:
    if node_type in keys.CHANNEL_TYPES:
        return (keys.data(key),)
    if node_type in keys.SCAN_TYPES:
        return tuple(stream(key) for stream in _SCAN_STREAMS)
    return (keys.children_list(key),)
