"""Nodes by their keys, without those that do not fit, and without those below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.connection import connect
from nexus_writer.data.walk_filter import NodeFilter, node_test, node_types

from .factory import get_nodes
from .node import DataNode, NodeState


def get_filtered_nodes(
    *names: str,
    include_filter: NodeFilter = None,
    recursive_exclude: NodeFilter = None,
    strict_recursive_exclude: bool = True,
    connection: redis.Redis | None = None,
    state: NodeState | str = NodeState.EXISTS,
) -> Iterator[DataNode]:
    """The nodes with these keys that are in ``state`` and fit, in this order.

    Those that ``recursive_exclude`` fits are left out together with all below them; they themselves stay
    when it is not strict.
    """
    found = [node for node in get_nodes(*names, connection=connection, state=state) if node is not None]
    excludes, includes = node_test(recursive_exclude, False), node_test(include_filter, True)
    excluded = [node.db_name for node in found if excludes(node)]
    for node in found:
        if includes(node) and not _is_out(node.db_name, excluded, strict_recursive_exclude):
            yield node


def filter_node_names(
    *names: str,
    include_types: str | Sequence[str] | None = None,
    recursive_exclude_types: str | Sequence[str] | None = None,
    strict_recursive_exclude: bool = True,
    connection: redis.Redis | None = None,
) -> list[str]:
    """As ``get_filtered_nodes``, keys by the types of their nodes, in one round trip.

    What does not exist has no type: it is left out only where types are asked for.
    """
    included, excluded_types = node_types(include_types or None), node_types(recursive_exclude_types or None)
    if not names or (included is None and excluded_types is None):
        return list(names)
    types = _types(names, connect() if connection is None else connection)
    excluded = [name for name in names if excluded_types is not None and types[name] in excluded_types]
    return [
        name
        for name in names
        if (included is None or types[name] in included)
        and not _is_out(name, excluded, strict_recursive_exclude)
    ]


def _types(names: Sequence[str], connection: redis.Redis) -> dict[str, str | None]:
    with connection.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hget(keys.to_bytes(name), "node_type")
        found: list[Any] = pipeline.execute()
    return {
        name: None if told is None else keys.to_text(told) for name, told in zip(names, found, strict=True)
    }


def _is_out(key: str, excluded: Sequence[str], strict: bool) -> bool:
    return any((strict and key == one) or keys.is_below(key, one) for one in excluded)
