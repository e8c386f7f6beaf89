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
    numbers = [chunks.number(name) for name in ("chunk_nbytes", "chunk_split", "compression_limit_nbytes")]
    nbytes, split, limit = (None if number is None else int(number) for number in numbers)
    scheme = chunks.text("compression_scheme")
    return Storage(nbytes, split, limit, scheme, options.flag("separate_scan_files"))
