"""How the datasets of a scan are cut and compressed: as its session says, else as the site does."""

from __future__ import annotations

from collections.abc import Callable

from nexus_writer.hdf5 import ChunkOptions, UnknownCompression
from nexus_writer.model import Storage

from .options import LayoutOptions


def chunk_options(storage: Storage, options: LayoutOptions, warn: Callable[[str], None]) -> ChunkOptions:
    """Never raises: a scheme that does not exist is warned of, and the next one is taken."""
    sizes = {
        "chunk_nbytes": storage.chunk_nbytes,
        "chunk_split": storage.chunk_split,
        "compression_limit_nbytes": storage.compression_limit_nbytes,
    }
    for scheme in (storage.compression_scheme, options.compression_scheme):
        try:
            if scheme:
                return ChunkOptions.from_info({**sizes, "compression_scheme": scheme})
        except UnknownCompression as error:
            warn(str(error))
    return ChunkOptions.from_info(sizes)
