"""Where a scan is saved, as its info says.

A scan is given as its node, as its info, or as the model that was read from that. ``path_map`` says where
this host sees the directories of the beamline, ``{"/data": "/mnt/data"}``; without it the environment's
NEXUS_WRITER_PATH_MAP does. (A model has the paths that it was read with.) A writer may be told to name
entries otherwise (``entry_name``), and one that finds a file locked saves into a side file and links it in
later; what a writer does at this moment says ``nexus-writer status``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexus_writer.model import Scan
from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME, entry_names
from nexus_writer.model.location import data_file, entry_uris

from .nodes import DataNode
from .path_maps import path_maps

AnyScan = DataNode | Scan | Mapping[str, Any]


def scan_info(scan: AnyScan) -> Mapping[str, Any]:
    """The info of a scan's node, read now; an info comes back as it is. TypeError for anything else."""
    if isinstance(scan, Scan):
        raise TypeError("a Scan was read from an info, and does not keep it: give the node")
    if isinstance(scan, DataNode):
        return scan.info.get_all()
    if not isinstance(scan, Mapping):
        raise TypeError(f"a scan is its node or its info, not {scan!r}: get_node(key) gives the node")
    return scan


def scan_name(scan: AnyScan, subscan: int = 1, *, entry_name: str = DEFAULT_ENTRY_NAME) -> str | None:
    """Name of the entry of a subscan, which count from 1: ``26.1``; None where there is no such subscan."""
    return _one(entry_names(scan_model(scan), entry_name), subscan)


def scan_filename(scan: AnyScan, *, path_map: Mapping[str, str] | None = None) -> str | None:
    """The file that holds the entries of a scan; None for one that is not saved."""
    path = _saved_in(scan_model(scan, path_map))
    return None if path is None else str(path)


def scan_master_filenames(scan: AnyScan, *, path_map: Mapping[str, str] | None = None) -> dict[str, str]:
    """The files that link to the entries, by level: dataset, dataset_collection, proposal."""
    found = scan_model(scan, path_map)
    return {} if _saved_in(found) is None else dict(found.masters)


def scan_filenames(scan: AnyScan, *, path_map: Mapping[str, str] | None = None) -> dict[str, str]:
    """All files from which the data of a scan can be had, by level; {} for one that is not saved."""
    found = scan_model(scan, path_map)
    path = _saved_in(found)
    if path is None:
        return {}
    own = "scan" if "dataset" in found.masters else "dataset"
    return {own: str(path), **found.masters}


def scan_uri(
    scan: AnyScan,
    subscan: int = 1,
    *,
    entry_name: str = DEFAULT_ENTRY_NAME,
    path_map: Mapping[str, str] | None = None,
) -> str | None:
    """``FILE::/26.1`` of a subscan; None where there is none, and for a scan that is not saved."""
    return _one(_uris(scan_model(scan, path_map), entry_name), subscan)


def scan_uris(
    scan: AnyScan,
    subscan: int | None = None,
    *,
    entry_name: str = DEFAULT_ENTRY_NAME,
    path_map: Mapping[str, str] | None = None,
) -> list[str]:
    """``FILE::/26.1`` of each subscan, or of one of them; [] for a scan that is not saved."""
    uris = _uris(scan_model(scan, path_map), entry_name)
    if subscan is None:
        return uris
    uri = _one(uris, subscan)
    return [] if uri is None else [uri]


def scan_model(scan: AnyScan, path_map: Mapping[str, str] | None = None) -> Scan:
    """What a scan is; a model comes back as it is. Raises BadPathMap."""
    if isinstance(scan, Scan):
        return scan
    info = path_maps(path_map).apply_to_scan_info(scan_info(scan))
    name = scan.db_name if isinstance(scan, DataNode) else str(scan.get("node_name", ""))
    return Scan.from_info(info, name)


def _saved_in(scan: Scan) -> Any:
    return data_file(scan) if scan.save else None


def _uris(scan: Scan, template: str) -> list[str]:
    return entry_uris(scan, template) if scan.save else []


def _one(texts: list[str], subscan: int) -> str | None:
    return texts[subscan - 1] if 1 <= subscan <= len(texts) else None
