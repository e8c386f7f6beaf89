"""The process that makes changes of files as a whole; run by its path, it needs nothing but Python.

Its arguments are the numbers of two descriptors: a socket, and the memory in which the changes lie. Each
message is a number, with the descriptor of a file: it makes the changes that are there then, and replies with
that number and 0 or the number of the error. It ends when the other end is closed, and before that for no
signal that can be ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence

COUNT = struct.Struct("<Q")
RUN = struct.Struct("<QQ")
"""Address and number of bytes. The memory holds their count, then all of them, then their bytes."""
MESSAGE = struct.Struct("<Q")
REPLY = struct.Struct("<Qi")

Run = tuple[int, bytes]
"""An address in a file, not behind its end, and the bytes that come there."""


def write_all(descriptor: int, data: bytes, address: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, address)
        left, address = left[written:], address + written


def make_changes(file: int, runs: Sequence[Run]) -> None:
    """All of them, or none: what was there is put back when one fails, as far as the disk takes that.

    Raises OSError.
    """
    before = [(address, os.pread(file, len(data), address)) for address, data in runs]
    for number, (address, data) in enumerate(runs):
        try:
            write_all(file, data, address)
        except OSError:
            for place, was in before[: number + 1]:
                with contextlib.suppress(OSError):
                    write_all(file, was, place)
            raise


def runs_in(memory: int) -> Iterator[Run]:
    """The changes that lie there. Raises OSError."""
    count = COUNT.unpack(os.pread(memory, COUNT.size, 0))[0]
    table = os.pread(memory, count * RUN.size, COUNT.size)
    source = COUNT.size + len(table)
    for address, nbytes in RUN.iter_unpack(table):
        yield address, os.pread(memory, nbytes, source)
        source += nbytes


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    channel, memory = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    while True:
        try:
            message, files, _, _ = socket.recv_fds(channel, MESSAGE.size, 1)
        except ConnectionResetError:  # who asks was killed while it waited for a reply
            return
        if not message:
            return
        error_number = 0
        try:
            make_changes(files[0], list(runs_in(memory)))
        except OSError as error:
            error_number = error.errno or 1
        for file in files:
            os.close(file)
        try:
            channel.send(REPLY.pack(MESSAGE.unpack(message)[0], error_number))
        except OSError:  # who asked is gone
            return


if __name__ == "__main__":
    main()
