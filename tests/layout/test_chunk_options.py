"""Who decides how datasets are cut and compressed."""

from __future__ import annotations

import pytest

from nexus_writer.hdf5 import ChunkOptions
from nexus_writer.layout import LayoutOptions
from nexus_writer.layout.chunk_options import chunk_options
from nexus_writer.model import Storage


@pytest.mark.parametrize(
    ("session", "site", "scheme"),
    [
        ("", "", "gzip-byteshuffle"),
        ("", "zstd", "zstd"),
        ("gzip", "zstd", "gzip"),
        ("rar", "zstd", "zstd"),
        ("rar", "", "gzip-byteshuffle"),
        ("BLOSC2", "", "BLOSC2"),
    ],
)
def test_the_session_decides_then_the_site(session: str, site: str, scheme: str) -> None:
    warnings: list[str] = []
    storage = Storage(compression_scheme=session)
    options = chunk_options(storage, LayoutOptions(compression_scheme=site), warnings.append)
    assert options.compression_scheme == scheme
    assert [("no compression scheme 'rar'" in text) for text in warnings] == [True] * (session == "rar")


def test_sizes_are_those_of_the_session() -> None:
    storage = Storage(chunk_nbytes=10485, chunk_split=2, compression_limit_nbytes=7)
    assert chunk_options(storage, LayoutOptions(), [].append) == ChunkOptions(10485, 2, 7)
    assert chunk_options(Storage(), LayoutOptions(), [].append) == ChunkOptions()
