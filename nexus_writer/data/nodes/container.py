"""Nodes that have children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nexus_writer.data import keys
from nexus_writer.data.info import announced_key
from nexus_writer.data.stream_id import parsed
from nexus_writer.data.walk_filter import NodeFilter, node_test

from .node import DataNode, NodeState


class DataNodeContainer(DataNode):
    """A session, a directory, a device; scans and datasets are containers too."""

    SUFFIXES = (*DataNode.SUFFIXES, keys.CHILDREN_SUFFIX)

    def children(self, purge: bool = False) -> Iterator[DataNode]:
        """Children in the order in which they were announced, each once; those that are gone are left out.

        ``purge`` also takes what announced them out of Redis, for all readers and for good.
        """
        found = self.get_nodes(*self.children_keys())
        if purge:
            self._purge()
        return (node for node in found if node is not None)

    def get_children(self, purge: bool = False) -> Iterator[DataNode]:
        return self.children(purge)

    def children_keys(self) -> list[str]:
        """Keys of all children that were ever announced, each once, whether they exist or not."""
        return list(dict.fromkeys(key for _, key in self._announced()))

    def add_children(self, *children: DataNode) -> None:
        """Announce nodes that are made already, as direct children."""
        from nexus_writer.data.publishing.nodes import NodePublisher

        publisher = NodePublisher(self.connection)
        for child in children:
            publisher.announce(child.db_name, self.db_name)

    def get_child_containers(
        self, include_filter: NodeFilter = None, exclude_children: NodeFilter = None
    ) -> Iterator[DataNodeContainer]:
        """This node if it exists, then all containers below it, level by level.

        Below nodes that ``exclude_children`` fits there is nothing.
        """
        includes = node_test(include_filter, True)
        own = self.get_node(self.db_name)
        top = [] if own is None else [own]
        found = (node for node in (*top, *self._below(exclude_children)) if includes(node))
        return (node for node in found if isinstance(node, DataNodeContainer))

    def get_last_child_container(
        self, include_filter: NodeFilter = None, exclude_children: NodeFilter = None
    ) -> DataNodeContainer | None:
        """Of this node and the containers below it that fit, the one that was announced last.

        None without any; a session is never announced.
        """
        includes = node_test(include_filter, True)
        own, index = self.get_node(self.db_name), self.get_children_stream_index()
        found = {own: index} if own is not None and index is not None else {}
        found |= self._below(exclude_children)
        level_by_level = enumerate(found.items())  # a child may come in the same ms
        latest = sorted(level_by_level, key=lambda one: (parsed(one[1][1]), one[0]), reverse=True)
        containers = (node for _, (node, _) in latest if isinstance(node, DataNodeContainer))
        return next(filter(includes, containers), None)

    def _below(self, exclude_children: NodeFilter) -> dict[DataNode, bytes]:
        """Nodes below this one, each with the id of what announced it."""
        from nexus_writer.data.existing import LAST, existing_nodes
        from nexus_writer.data.link import Link

        excludes = node_test(exclude_children, False)
        if excludes(self):
            return {}
        link = Link(self.connection)
        try:
            found = existing_nodes(link, self, until=LAST, descend=lambda node: not excludes(node))
            return {one.node: one.id for one in found}
        finally:
            link.drop()

    def _announced(self) -> list[tuple[bytes, str]]:
        """Ids and keys of children, as often as they were announced."""
        entries: Any = self.connection.xrange(keys.children_list(self.db_name))
        found = ((entry_id, announced_key(fields)) for entry_id, fields in entries)
        return [(entry_id, key) for entry_id, key in found if key is not None]

    def _purge(self) -> None:
        from .factory import get_nodes

        announced = self._announced()
        nodes = get_nodes(*(key for _, key in announced), connection=self.connection, state=NodeState.EXISTS)
        gone = [entry_id for (entry_id, _), node in zip(announced, nodes, strict=True) if node is None]
        if gone:
            self.connection.xdel(keys.children_list(self.db_name), *gone)
