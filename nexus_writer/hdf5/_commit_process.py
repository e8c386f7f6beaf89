"""The process that makes changes of files as a whole; run by its path, it needs nothing but Python.

Its arguments are the numbers of two descriptors: a socket, and the memory in which the changes lie. For each
message, with the descriptor of the file, it makes the changes that are there then, and replies with 0 or the
number of the error. It ends when the other end is closed, and before that for no signal that can be ignored.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys

COUNT = struct.Struct("<Q")
RUN = struct.Struct("<QQ")
"""Address and number of bytes. The memory holds their count, then all of them, then their bytes."""
REPLY = struct.Struct("<i")

_MESSAGE_NBYTES = 16
_PIECE_NBYTES = 2**24


def write_all(descriptor: int, data: bytes, address: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, address)
        left, address = left[written:], address + written


def make_changes(memory: int, file: int) -> int:
    """0, or the number of the error that ended it."""
    try:
        count = COUNT.unpack(os.pread(memory, COUNT.size, 0))[0]
        table = os.pread(memory, count * RUN.size, COUNT.size)
        source = COUNT.size + len(table)
        for address, nbytes in RUN.iter_unpack(table):
            for done in range(0, nbytes, _PIECE_NBYTES):
                data = os.pread(memory, min(_PIECE_NBYTES, nbytes - done), source + done)
                write_all(file, data, address + done)
            source += nbytes
    except OSError as error:
        return error.errno or 1
    return 0


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    channel, memory = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    while True:
        try:
            message, files, _, _ = socket.recv_fds(channel, _MESSAGE_NBYTES, 1)
        except ConnectionResetError:  # who asks was killed while it waited for a reply
            return
        if not message:
            return
        number = make_changes(memory, files[0])
        for file in files:
            os.close(file)
        try:
            channel.send(REPLY.pack(number))
        except OSError:  # who asked is gone
            return


if __name__ == "__main__":
    main()
