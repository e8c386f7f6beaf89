"""Infos of real scans of BLISS 1.11, as a reader decodes them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

DIRECTORY = Path(__file__).parent.parent / "data" / "scan_info"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.json"))


def scan_info(name: str) -> dict[str, Any]:
    """A fresh copy of the info ``name``."""
    return json.loads((DIRECTORY / f"{name}.json").read_text(), object_hook=_decoded)


def scan_key(info: dict[str, Any]) -> str:
    """The key of the scan's node."""
    return info["node_name"]


def _decoded(item: dict[str, Any]) -> Any:
    if "__datetime__" in item:
        return datetime.fromisoformat(item["__datetime__"])
    if "__npscalar__" in item:
        return np.dtype(item["dtype"]).type(item["__npscalar__"])
    if "__ndarray__" in item:
        return np.array(item["__ndarray__"], dtype=item["dtype"])
    return item
