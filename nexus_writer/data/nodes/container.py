"""Nodes that have children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nexus_writer.data import keys
from nexus_writer.data.info import announced_key

from .node import DataNode


class DataNodeContainer(DataNode):
    """A session, a directory, a device; scans and datasets are containers too."""

    def children(self) -> Iterator[DataNode]:
        """Children in the order in which they were announced, each once; those that are gone are left out."""
        from .factory import get_nodes

        found = get_nodes(*self.children_keys(), connection=self.connection)
        return (node for node in found if node is not None)

    def get_children(self) -> Iterator[DataNode]:
        return self.children()

    def children_keys(self) -> list[str]:
        """Keys of all children that were ever announced, each once, whether they exist or not."""
        entries: Any = self.connection.xrange(keys.children_list(self.db_name))
        announced = (announced_key(fields) for _, fields in entries)
        return list(dict.fromkeys(key for key in announced if key is not None))

    def get_child_containers(self) -> Iterator[DataNodeContainer]:
        return (node for node in self.children() if isinstance(node, DataNodeContainer))

    def get_last_child_container(self) -> DataNodeContainer | None:
        """None when there is none."""
        containers = list(self.get_child_containers())
        return containers[-1] if containers else None
