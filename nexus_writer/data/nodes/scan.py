"""Scans, and groups and sequences of scans."""

from __future__ import annotations

from .container import DataNodeContainer
from .node import DataNode


class ScanNode(DataNodeContainer):
    """A scan. Its children are its top masters; below them are devices and channels."""

    @property
    def dataset(self) -> DataNode | None:
        """Where it belongs: a dataset, or a directory where there is no data policy."""
        return self.parent


class ScanGroupNode(ScanNode):
    """A group or a sequence of scans. It refers to its scans by a channel of keys; they are its siblings."""
