"""Nodes that a program makes in Redis itself, by the names of blissdata 0.3.

What whole scans need besides (states, expiry, the scan info) ``nexus_writer.data.publishing`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

import redis

from nexus_writer.data import keys
from nexus_writer.data.publishing.nodes import DEVICE_TYPE, NodePublisher

from .container import DataNodeContainer
from .factory import CLASSES, get_node
from .node import DataNode, NodeState


class NewNode(TypedDict, total=False):
    """What a node that is made is to have."""

    info: Mapping[str, Any]
    add_to_parent: bool
    """False: not announced; ``parent.add_children`` does it later."""
    channel_name: str | None
    """What a channel calls itself: its full name, device:channel."""
    fullname: str | None
    shape: tuple[int, ...] | None
    dtype: Any
    unit: str | None


def create_node(
    name: str,
    node_type: str | None = None,
    parent: DataNode | None = None,
    connection: redis.Redis | None = None,
    **new: Unpack[NewNode],
) -> DataNode:
    """Make a node, whatever there is under its key: ``name``, below ``parent`` if there is one.

    Without a type it is a device. It may publish (``store``, ``prepared``, ``end``); the same node from
    ``get_node`` may read only. Without a ``connection`` as ``connect`` does.
    """
    connection = _connection(connection, parent)
    key = _key(name, parent)
    publisher = NodePublisher(connection)
    publisher.create(
        key,
        node_type or DEVICE_TYPE,
        parent=None if parent is None else parent.db_name,
        name=new.get("channel_name"),
        info=_info(node_type, new),
    )
    if parent is not None and new.get("add_to_parent", True):
        publisher.announce(key, parent.db_name)
    return _instance(key, node_type, connection, is_new=True)


def get_or_create_node(
    name: str,
    node_type: str | None = None,
    parent: DataNode | None = None,
    connection: redis.Redis | None = None,
    state: NodeState | str = NodeState.SUPPORTED,
    **new: Unpack[NewNode],
) -> DataNode:
    """The node when it is in ``state``, whatever its type is; else a new one."""
    return datanode_factory(name, node_type, parent, connection, state, create_not_state=True, **new)


def datanode_factory(
    name: str,
    node_type: str | None = None,
    parent: DataNode | None = None,
    connection: redis.Redis | None = None,
    state: NodeState | str | None = None,
    create_not_state: bool = False,
    **new: Unpack[NewNode],
) -> DataNode:
    """The node when it is in ``state``; else a new one, or one that does not exist yet.

    A node without a parent gets ``parent`` where nodes may be made.
    """
    connection = _connection(connection, parent)
    key = _key(name, parent)
    found = get_node(key, connection, NodeState.SUPPORTED if state is None else state)
    if found is None and create_not_state:
        return create_node(name, node_type, parent, connection, **new)
    if found is None:
        return _instance(key, node_type, connection, is_new=False)
    if create_not_state and parent is not None and found.record is not None and not found.record.parent:
        connection.hset(key, "parent", parent.db_name)
        found.forget()
    return found


def _connection(connection: redis.Redis | None, parent: DataNode | None) -> redis.Redis:
    if connection is not None:
        return connection
    if parent is not None:
        return parent.connection
    from nexus_writer.data.connection import connect

    return connect()


def _key(name: str, parent: DataNode | None) -> str:
    return name if parent is None else f"{parent.db_name}:{name}"


def _info(node_type: str | None, new: NewNode) -> dict[str, Any]:
    info = dict(new.get("info", {}))
    if node_type in keys.CHANNEL_TYPES:
        declared = {name: new[name] for name in ("shape", "dtype") if new.get(name) is not None}
        info |= {**declared, "fullname": new.get("fullname"), "unit": new.get("unit")}
    if node_type == "dataset":
        info.setdefault("startDate", datetime.now())
    return info


def _instance(key: str, node_type: str | None, connection: redis.Redis, *, is_new: bool) -> DataNode:
    node = CLASSES.get(node_type or DEVICE_TYPE, DataNodeContainer)(key, connection)
    node.become(node_type, is_new=is_new)
    return node
