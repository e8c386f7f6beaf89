"""Which scans Redis holds."""

from __future__ import annotations

from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.existing import LAST, existing_nodes
from nexus_writer.data.link import Link
from nexus_writer.data.nodes import get_session_node


def scans_of(client: redis.Redis, name: str) -> list[str]:
    """Keys of the scans that Redis holds of a session, or below any other node; of a scan, itself."""
    node_type: Any = client.hget(name, "node_type")
    if node_type is not None and keys.to_text(node_type) in keys.SCAN_TYPES:
        return [name]
    link = Link(client)
    try:
        top = get_session_node(name, client)
        nodes = existing_nodes(link, top, until=LAST, descend=lambda node: node.type not in keys.SCAN_TYPES)
        return [found.node.db_name for found in nodes if found.is_scan]
    finally:
        link.drop()


def has_data(client: redis.Redis, key: str) -> bool:
    """Whether Redis still holds what is below a scan: it expires 10 min after the end, before the scan."""
    announced: Any = client.xrange(keys.children_list(key))
    children = [fields[keys.DB_NAME_FIELD] for _, fields in announced if keys.DB_NAME_FIELD in fields]
    return not children or bool(client.exists(*children))
