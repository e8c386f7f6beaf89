"""The end of a file as its superblock has it, after its writer was killed with all that it had started.

When the process that makes the changes of a file as a whole (:mod:`.committer`) is killed together with its
owner, a flush may be in the file in part, and something lead to an object behind the end that the superblock
knows: who reads that fails ("addr overflow"). So before a file is opened for writing its end is moved to
where it does end (one write of 48 bytes). An end that is too far away costs the space.

The format is that of "HDF5 File Format Specification", II.A (superblock versions 2 and 3); the checksum is
Jenkins' lookup3.
"""

from __future__ import annotations

import os
import struct

from .file_start import SIGNATURE

_FIELDS = struct.Struct("<8s4B4QI")
_WORD = 0xFFFFFFFF


def end_where_it_ends(descriptor: int) -> None:
    """Let the superblock say that the file ends where it does, when it says that it ends before.

    Nothing is done to a file whose superblock is not as expected, or that is marked as open for writing.
    """
    raw = os.pread(descriptor, _FIELDS.size, 0)
    if len(raw) < _FIELDS.size:
        return
    signature, version, offset_size, _, flags, base, _, known_end, _, checksum = _FIELDS.unpack(raw)
    sound = signature == SIGNATURE and checksum == lookup3(raw[:-4])
    if not sound or version not in (2, 3) or offset_size != 8 or flags or base:
        return
    end = os.fstat(descriptor).st_size
    if known_end < end:
        body = raw[:28] + struct.pack("<Q", end) + raw[36:44]
        os.pwrite(descriptor, body + struct.pack("<I", lookup3(body)), 0)


def lookup3(data: bytes) -> int:
    """Bob Jenkins' hash of bytes, as little-endian words and from 0 on."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    while len(data) > 12:
        x, y, z = struct.unpack_from("<3I", data)
        a, b, c = _mixed((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)
        data = data[12:]
    if data:
        x, y, z = struct.unpack("<3I", data.ljust(12, b"\0"))
        a, b, c = _finished((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)
    return c


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _WORD


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _WORD) ^ _rotated(c, bits)
        c = (c + b) & _WORD
        a, b, c = b, c, a
    return a, b, c


def _finished(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, bits)) & _WORD
        a, b, c = b, c, a
    return c, a, b
