"""Compression schemes by name: the filters that a chunk goes through.

The first six are the classic writer's. The others compress better or faster, and ask of whoever reads the
file that hdf5plugin (or the HDF5 plugins of its maker) is installed there, as do the two with bitshuffle.

Bitshuffle is told how many elements it compresses together. Left to itself it takes 8 kB: Zstandard takes 2
to 3 times as long for those and makes more of them, LZ4 a tenth to a third longer, on frames and spectra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._library import h5py

_BITSHUFFLE = 32008
_ZSTD = 32015
_BLOSC2 = 32026
_ZSTD_LEVEL = 2
"""As small as level 3, within 4 % behind a shuffle and 1 % without, in two thirds to three quarters of the
time."""
_ZSTD_LEVEL_OF_BITS = 3

_LZ4_ELEMENTS, _ZSTD_ELEMENTS = 2**13, 2**14
_BLOSC2_BLOCK_NBYTES = 2**17
"""Else the filter looks for one, in memory that all threads share."""

Filter = Callable[[Any], None]


def _byteshuffle(creation: Any) -> None:
    creation.set_shuffle()


def _gzip(creation: Any) -> None:
    creation.set_deflate(4)  # what readers are told; see .encoding


def _plugin(number: int, *options: int) -> Filter:
    """A filter of hdf5plugin, which registers all of its own when it is imported."""

    def add(creation: Any) -> None:
        import hdf5plugin  # noqa: F401

        creation.set_filter(number, h5py.h5z.FLAG_OPTIONAL, options)

    return add


_FILTERS: Mapping[str, tuple[Filter, ...]] = {
    "none": (),
    "gzip": (_gzip,),
    "byteshuffle": (_byteshuffle,),
    "gzip-byteshuffle": (_byteshuffle, _gzip),
    "bitshuffle": (_plugin(_BITSHUFFLE, 0, 0),),
    "lz4-bitshuffle": (_plugin(_BITSHUFFLE, _LZ4_ELEMENTS, 2),),
    "zstd": (_plugin(_ZSTD, _ZSTD_LEVEL),),
    "zstd-byteshuffle": (_byteshuffle, _plugin(_ZSTD, _ZSTD_LEVEL)),
    "bitshuffle-zstd": (_plugin(_BITSHUFFLE, _ZSTD_ELEMENTS, 3, _ZSTD_LEVEL_OF_BITS),),
    # reserved, block, reserved (2), level, byte shuffle, LZ4
    "blosc2": (_plugin(_BLOSC2, 0, _BLOSC2_BLOCK_NBYTES, 0, 0, 5, 1, 1),),
}

SCHEMES = tuple(_FILTERS)
"""The names, in lower case."""


def set_filters(creation: Any, scheme: str) -> None:
    """Of a dataset's low-level creation properties; ``scheme`` is one of :data:`SCHEMES`."""
    for add in _FILTERS[scheme]:
        add(creation)
