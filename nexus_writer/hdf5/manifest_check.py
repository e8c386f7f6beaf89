"""Whether the points of an entry are still those that its manifest was made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from ._library import h5py
from .causes import cause_text
from .point_digests import DIGEST_NBYTES, canonical
from .point_reading import read_points

MANIFEST = "writer/manifest"
_PIECE_NBYTES = 2**24


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """``path`` is that of the dataset in the file; the others as in :class:`.point_digests.Digests`."""

    path: str
    points: int
    size: int
    block: int
    sha256: bytes

    def digest(self, start: int) -> bytes:
        """Of the block that begins with the point ``start``."""
        first = start // self.block * DIGEST_NBYTES
        return self.sha256[first : first + DIGEST_NBYTES]


def manifest_rows(entry: Any) -> list[ManifestRow] | None:
    """None for an entry without a manifest. Raises KeyError, ValueError for one that makes no sense."""
    if MANIFEST not in entry:
        return None
    group = entry[MANIFEST]
    table = group["sha256"][()]
    columns = [group[name][()].tolist() for name in ("points", "size", "block", "first")]
    rows = []
    for path, points, size, block, first in zip(group["dataset"].asstr()[()], *columns, strict=True):
        if block < 1 or points < 0 or size < 0:
            raise ValueError(f"blocks of {block} points of {size} values for {path}")
        digests = table[first : first - (-points // block)]
        rows.append(ManifestRow(f"{entry.name}/{path}", points, size, block, digests.tobytes()))
    return rows


def what_differs(file: Any, row: ManifestRow) -> str:
    """Why the dataset cannot be what the manifest tells of, by its shape; "" when it can."""
    dataset = file.get(row.path)
    if not isinstance(dataset, h5py.Dataset):
        return f"it had {row.points} points, and there is no dataset"
    rank = _scan_rank(dataset, row)
    if rank is None:
        return f"its points had {row.size} values, its shape is {dataset.shape}"
    if prod(dataset.shape[:rank]) < row.points:
        return f"it had {row.points} points, its shape is {dataset.shape}"
    return ""


def pieces(dataset: Any, row: ManifestRow) -> list[tuple[int, int]]:
    """The points of ``dataset`` in ranges [start, stop) of whole blocks, some 16 MiB each."""
    nbytes = max(1, row.size) * dataset.dtype.itemsize * row.block
    step = max(1, _PIECE_NBYTES // nbytes) * row.block
    return [(start, min(start + step, row.points)) for start in range(0, row.points, step)]


def differing_points(dataset: Any, row: ManifestRow, start: int, stop: int) -> list[tuple[int, int, str]]:
    """The blocks among the points [start, stop) that differ: first point, the one behind the last, and why
    it cannot be read, or "". ``start`` is that of a block."""
    try:
        return list(_differing(dataset, row, start, stop))
    except (OSError, RuntimeError) as error:
        if stop - start <= row.block:
            return [(start, stop, cause_text(error))]
    found = []
    for first in range(start, stop, row.block):
        found += differing_points(dataset, row, first, min(first + row.block, stop))
    return found


def own(file: Any, paths: Iterable[str]) -> list[str]:
    """Those of the datasets ``paths`` whose points lie in the file itself."""
    return [path for path in sorted(paths) if not (file[path].is_virtual or file[path].external)]


def wrong_sizes(entry: Any, directory: Path) -> list[str]:
    """Files that datasets of ``entry`` show, and that are shorter than they were."""
    if f"{MANIFEST}/files" not in entry:
        return []
    group, wrong = entry[f"{MANIFEST}/files"], []
    names = (group[name].asstr()[()].tolist() for name in ("dataset", "file"))
    for path, file, nbytes in zip(*names, group["nbytes"][()].tolist(), strict=True):
        try:
            size = (directory / file).stat().st_size
        except OSError:
            continue  # that it lacks is told of the dataset
        if size < nbytes:
            wrong.append(f"{entry.name}/{path}: {file} had {nbytes} bytes, it has {size}")
    return wrong


def _differing(dataset: Any, row: ManifestRow, start: int, stop: int) -> Iterator[tuple[int, int, str]]:
    rank = _scan_rank(dataset, row)
    assert rank is not None
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    values = read_points(dataset, rank, start, stop, object if is_text else dataset.dtype)
    for first in range(start, stop, row.block):
        last = min(first + row.block, stop)
        if sha256(canonical(values[first - start : last - start])).digest() != row.digest(first):
            yield first, last, ""


def _scan_rank(dataset: Any, row: ManifestRow) -> int | None:
    """How many dimensions lie before those of a point; of dimensions of length 1 either is right."""
    ranks = range(dataset.ndim, -1, -1)
    return next((rank for rank in ranks if prod(dataset.shape[rank:]) == row.size), None)
