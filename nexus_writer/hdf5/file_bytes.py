"""Bytes of a file by its descriptor; what the system refuses is FileFailed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import FileFailed


class FileBytes:
    """Whole reads and writes of the file of ``descriptor``; ``length`` is how long it is."""

    __slots__ = ("descriptor", "length")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.length = os.fstat(descriptor).st_size

    def write(self, data: memoryview, address: int) -> None:
        self.length = max(self.length, address + len(data))
        while data:
            try:
                written = os.pwrite(self.descriptor, data, address)
            except OSError as error:
                number, text = error.errno, error.strerror  # the error would hold this call, and all below it
            else:
                data, address = data[written:], address + written
                continue
            raise FileFailed(number, text)

    def read(self, view: memoryview, address: int) -> int:
        """The number of bytes that there were."""
        with file_failed():
            return os.preadv(self.descriptor, [view], address)

    def set_length(self, length: int) -> None:
        with file_failed():
            os.ftruncate(self.descriptor, length)
        self.length = length


@contextmanager
def file_failed() -> Iterator[None]:
    """OSError becomes FileFailed, without a traceback that holds what is written."""
    try:
        yield
    except OSError as error:
        number, text = error.errno, error.strerror
    else:
        return
    raise FileFailed(number, text)
