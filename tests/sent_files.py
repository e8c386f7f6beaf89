"""A file held against what the nodes of a simulated beamline say they sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

PIECE_POINTS = 64


def sent_scans(directory: Path) -> list[dict[str, Any]]:
    """What ``nexus-writer simulate --sent`` wrote, in the order of the scans."""
    found = [json.loads(path.read_text()) for path in directory.glob("*.json")]
    return sorted(found, key=number_of)


def number_of(sent: dict[str, Any]) -> int:
    return int(sent["scan"].rpartition(":")[2].partition("_")[0])


def entry_of(sent: dict[str, Any]) -> str:
    return f"{number_of(sent)}.1"


def assert_as_sent(sent: dict[str, Any], status: str = "SUCCEEDED") -> int:
    """Every channel has every point, bit for bit; the number of points of all channels."""
    points = 0
    with h5py.File(sent["filename"]) as file:
        entry = file[entry_of(sent)]
        warnings = entry["writer/warnings"].asstr()[()].tolist() if "warnings" in entry["writer"] else []
        assert entry["writer/status"].asstr()[()] == status, warnings
        assert entry["end_reason"].asstr()[()].startswith(sent["reason"])
        saved = dict(datasets(entry))
        for name, told in sent["channels"].items():
            if not told["points"]:
                assert name not in saved
                continue
            dataset, shape = saved[name], (told["points"], *told["shape"])
            assert (dataset.dtype, dataset.shape) == (np.dtype(told["dtype"]), shape)
            assert digest_of(dataset) == told["sha256"], (entry.name, name)
            points += told["points"]
    return points


def datasets(entry: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """By the full name of the channel."""
    for group in entry["instrument"].values():
        for item in group.values() if isinstance(group, h5py.Group) else ():
            if isinstance(item, h5py.Dataset) and "fullname" in item.attrs:
                yield item.attrs["fullname"], item


def digest_of(dataset: h5py.Dataset) -> str:
    """As the simulation makes it, without holding a camera's frames in memory."""
    digest = hashlib.sha256()
    step = PIECE_POINTS if dataset.ndim > 2 else 10**6
    for start in range(0, len(dataset), step):
        digest.update(np.ascontiguousarray(dataset[start : start + step]).tobytes())
    return digest.hexdigest()
