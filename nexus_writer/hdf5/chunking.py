"""Chunks and compression: what a dataset that grows is cut into, decided before its first point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UnknownCompression
from .filters import SCHEMES

EXPECTED_WHEN_UNKNOWN = 512
"""Points, or elements of a point, where nobody says how many will come."""

_MAX_CHUNK_NBYTES = 2**32 - 1
_VLEN_NBYTES = 16


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How the datasets of a scan are cut and compressed.

    A dataset of at most ``chunk_nbytes`` is one chunk. A bigger one is cut, last dimension first, into
    ``chunk_split`` pieces or more until a chunk is that small. Datasets that are expected to be larger than
    ``compression_limit_nbytes`` are compressed by ``compression_scheme`` (one of :data:`.filters.SCHEMES`,
    any case). Raises UnknownCompression.
    """

    chunk_nbytes: int = 2**20
    chunk_split: int = 4
    compression_limit_nbytes: int = 2**20
    compression_scheme: str = "gzip-byteshuffle"

    def __post_init__(self) -> None:
        if self.compression_scheme.lower() not in SCHEMES:
            raise UnknownCompression(self.compression_scheme, SCHEMES)

    @classmethod
    def from_info(cls, chunk_options: Mapping[str, Any] | None) -> ChunkOptions:
        """From ``writer_options.chunk_options`` of a scan info: only what was set, sizes in bytes."""
        given = {key: value for key, value in (chunk_options or {}).items() if value is not None}
        sizes = {
            key: int(given[key])
            for key in ("chunk_nbytes", "chunk_split", "compression_limit_nbytes")
            if key in given
        }
        scheme = str(given.get("compression_scheme", cls().compression_scheme))
        return cls(**sizes, compression_scheme=scheme)


def expected_shape(scan_shape: tuple[int, ...], point_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The whole dataset as announced; what is unknown (0 or negative) counts as 512."""
    return tuple(n if n > 0 else EXPECTED_WHEN_UNKNOWN for n in (*scan_shape, *point_shape))


def chunk_shape(expected: tuple[int, ...], item_nbytes: int, options: ChunkOptions) -> tuple[int, ...]:
    """The chunk of a dataset of the ``expected`` shape. ``item_nbytes`` is 0 for strings of variable length.

    >>> chunk_shape((1_000_000,), 8, ChunkOptions())
    (131072,)
    """
    if math.prod(expected) * item_nbytes <= options.chunk_nbytes:
        if math.prod(expected) * (item_nbytes or _VLEN_NBYTES) <= _MAX_CHUNK_NBYTES:
            return expected
        item_nbytes = _VLEN_NBYTES
    largest = options.chunk_nbytes // item_nbytes
    chunk: list[int] = []
    items = 1
    for n in reversed(expected):
        length = 1 if items >= largest else min(-(-n // options.chunk_split), -(-largest // items))
        items *= length
        chunk.append(length)
    return tuple(reversed(chunk))


def compression(expected: tuple[int, ...], item_nbytes: int, options: ChunkOptions) -> str:
    """The scheme for a dataset of the ``expected`` shape: 'none' unless it is larger than the limit."""
    if math.prod(expected) * item_nbytes <= options.compression_limit_nbytes:
        return "none"
    return options.compression_scheme.lower()
