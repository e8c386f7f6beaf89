"""The latest scan."""

from __future__ import annotations

from collections.abc import Mapping

from . import keys
from .existing import LAST, existing_nodes
from .link import Link
from .nodes import DataNode, ScanNode
from .scan_files import scan_filename
from .stream_id import parsed


def get_last_saved_scan(parent: DataNode) -> ScanNode | None:
    """Of the scans below a session, a directory or a dataset that are saved, the one announced last.

    None when Redis has none (any more). Groups and sequences are no scans here.
    """
    link = Link(parent.connection)
    try:
        found = existing_nodes(
            link, parent, until=LAST, descend=lambda node: node.type not in keys.SCAN_TYPES
        )
        scans = [one for one in found if one.node.type == "scan"]
    finally:
        link.drop()
    for one in sorted(scans, key=lambda one: parsed(one.id), reverse=True):
        if isinstance(one.node, ScanNode) and one.node.info.get("save"):
            return one.node
    return None


def get_last_scan_filename(parent: DataNode, *, path_map: Mapping[str, str] | None = None) -> str | None:
    """The file of the last saved scan; ``path_map`` as for ``scan_filename``."""
    scan = get_last_saved_scan(parent)
    return None if scan is None else scan_filename(scan, path_map=path_map)
