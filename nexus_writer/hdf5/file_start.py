"""What the first bytes of an HDF5 file say of it, before HDF5 opens it, or when it does not.

The format: HDF5 File Format Specification 3.0, II.A "Disk Format: Level 0A - Format Signature and
Superblock".
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEADER_NBYTES = 64
_CONSISTENCY_FLAGS = 0b101
"""Open for writing; open for SWMR writing."""


@dataclass(frozen=True, slots=True)
class Superblock:
    """``end`` is where the file should end, bytes; ``marked`` that a writer is, or died, in the file in a way
    that HDF5 refuses to open it."""

    offset: int
    version: int
    end: int
    marked: bool


def has_signature(descriptor: int) -> bool:
    """HDF5 looks for its signature at 0, 512, 1024, 2048 ...: behind a user block."""
    status = os.fstat(descriptor)
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    offset = 0
    while offset + len(SIGNATURE) <= size:
        if os.pread(descriptor, len(SIGNATURE), offset) == SIGNATURE:
            return True
        offset = offset * 2 or 512
    return False


def read_superblock(path: Path) -> Superblock | None:
    """None where there is no signature. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset + len(SIGNATURE) <= size:
            file.seek(offset)
            header = file.read(_HEADER_NBYTES)
            if header.startswith(SIGNATURE):
                return _parsed(header.ljust(_HEADER_NBYTES, b"\0"), offset)
            offset = offset * 2 or 512
    return None


def _parsed(header: bytes, offset: int) -> Superblock:
    version = header[8]
    if version < 2:
        at = 40 if version == 0 else 44
        return Superblock(offset, version, _address(header, at, header[13]), marked=False)
    marked = version >= 3 and bool(header[11] & _CONSISTENCY_FLAGS)
    return Superblock(offset, version, _address(header, 12 + 2 * header[9], header[9]), marked)


def _address(header: bytes, at: int, nbytes: int) -> int:
    """Files with other than 8-byte addresses are not made any more; 0 for them."""
    return int(struct.unpack_from("<Q", header, at)[0]) if nbytes == 8 else 0
