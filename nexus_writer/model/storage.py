"""How a session wants its scans to be stored."""

from __future__ import annotations

from dataclasses import dataclass

from .fields import Fields


@dataclass(frozen=True, slots=True)
class Storage:
    """The ``writer_options`` of a scan. None (or empty) where the session leaves it to the writer."""

    chunk_nbytes: int | None = None
    chunk_split: int | None = None
    compression_limit_nbytes: int | None = None
    compression_scheme: str = ""
    separate_scan_files: bool = False


def read_storage(info: Fields) -> Storage:
    options = info.fields("writer_options")
    chunks = options.fields("chunk_options")
    names = ("chunk_nbytes", "chunk_split", "compression_limit_nbytes")
    nbytes, split, limit = (chunks.integer(name, -1) for name in names)
    scheme = chunks.text("compression_scheme")
    return Storage(
        nbytes if nbytes > 0 else None,
        split if split > 0 else None,
        limit if limit >= 0 else None,
        scheme,
        options.flag("separate_scan_files"),
    )
