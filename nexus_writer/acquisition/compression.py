"""Chunks made smaller for the wire, by Blosc2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from .errors import AcquisitionError

__all__ = ["compression_methods", "compression_name", "compressor", "decompress"]

compression_methods = ["", "blosc-blosclz", "blosc-lz4"]
_ALIASES = {"blosclz": "blosc-blosclz", "lz4": "blosc-lz4", None: ""}
_CODECS = {"blosc-blosclz": "BLOSCLZ", "blosc-lz4": "LZ4"}


def compression_name(name: Any) -> str:
    name = _ALIASES.get(name, name)
    if name not in compression_methods:
        known = ", ".join(map(repr, compression_methods))
        raise ValueError(f"unknown compression {name!r}: use one of {known}")
    return str(name)


def compressor(name: str) -> Callable[[NDArray[Any]], bytes] | None:
    """What compresses a contiguous chunk; None for no compression."""
    if not name:
        return None
    blosc2 = _blosc2()
    codec = getattr(blosc2.Codec, _CODECS[name])

    def compress(chunk: NDArray[Any]) -> bytes:
        raw = chunk.reshape(-1).view("u1")
        made: bytes = blosc2.compress2(raw, codec=codec, typesize=min(chunk.itemsize, 255), nthreads=1)
        return made

    return compress


def decompress(data: Any) -> bytes:
    made: bytes = _blosc2().decompress2(data, nthreads=1)
    return made


def _blosc2() -> Any:
    try:
        import blosc2
    except ModuleNotFoundError:
        raise AcquisitionError(
            "compressed streams need blosc2: install the extra 'acquisition', or use compression=''"
        ) from None
    return blosc2
