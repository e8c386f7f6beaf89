"""The nodes that are there already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nexus_writer.data import keys
from nexus_writer.data.info import announced_key, fetch_records, pairs
from nexus_writer.data.link import Link
from nexus_writer.data.nodes import DataNode, make_node
from nexus_writer.data.stream_id import parsed
from nexus_writer.data.walk_filter import WalkFilters

LAST = b"+"


@dataclass(frozen=True, slots=True)
class ExistingNode:
    """A node, the key of its parent, and the id of the event that announced it."""

    node: DataNode
    parent: str
    id: bytes

    @property
    def is_scan(self) -> bool:
        return self.node.type in keys.SCAN_TYPES

    @property
    def has_children(self) -> bool:
        return self.node.type not in keys.CHANNEL_TYPES


def existing_nodes(
    link: Link, top: DataNode, *, until: bytes, descend: Callable[[DataNode], bool]
) -> Iterator[ExistingNode]:
    """Nodes below ``top`` that were announced up to the id ``until``, level by level.

    Only below nodes that ``descend`` accepts. Two round trips a level. Nodes that are gone, or not of our
    format, are left out.
    """
    level, seen = [top.db_name], {top.db_name}
    while level:
        announced = _announced(link, level, until, seen)
        level = []
        for record in fetch_records(link, list(announced)):
            if record is None or not record.supported:
                continue
            parent, entry_id = announced[record.key]
            found = ExistingNode(make_node(record, top.connection), parent, entry_id)
            yield found
            if found.has_children and descend(found.node):
                level.append(record.key)


def last_node(top: DataNode, filters: WalkFilters) -> ExistingNode | None:
    """Of the nodes below ``top`` that fit, the one that was announced last."""

    def descend(node: DataNode) -> bool:
        is_scan = node.type in keys.SCAN_TYPES
        return filters.descends_into_existing(node) and (not is_scan or filters.may_include_below_scans())

    link = Link(top.connection)
    try:
        found = existing_nodes(link, top, until=LAST, descend=descend)
        fitting = (one for one in found if filters.includes(one.node))
        return max(fitting, key=lambda one: parsed(one.id), default=None)
    finally:
        link.drop()


def _announced(link: Link, parents: list[str], until: bytes, seen: set[str]) -> dict[str, tuple[str, bytes]]:
    """Children that were not seen yet: parent and event id by key."""
    replies = link.call_all([(b"XRANGE", keys.children_list(parent), b"-", until) for parent in parents])
    found: dict[str, tuple[str, bytes]] = {}
    for parent, reply in zip(parents, replies, strict=True):
        for entry_id, fields in reply if isinstance(reply, list) else ():
            key = announced_key(pairs(fields))
            if key is not None and key not in seen:
                found[key] = (parent, entry_id)
                seen.add(key)
    return found
