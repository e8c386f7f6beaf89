"""Changes of files that a kill of this process does not cut in two.

They are handed over to a process that does nothing else (:mod:`._commit_process`), one for all files: first
the bytes, in memory that both see, then one message, which it gets or does not get. When this process is
killed after that, the other one outlives it for as long as the changes take, and with it the locks. Where
there is no such process, because it was killed too or cannot be started, the changes are made here; making
them twice does no harm.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from . import _commit_process as program

logger = logging.getLogger(__name__)

Run = program.Run

_PATIENCE_S = 60.0
_KEPT_NBYTES = 2**22


def commit(descriptor: int, runs: Sequence[Run]) -> None:
    """Write ``runs`` to the file of ``descriptor``: all of them, or none when this process is killed before.

    None where it raises OSError; all or none after any other exception.
    """
    table = program.COUNT.pack(len(runs)) + b"".join(
        program.RUN.pack(address, len(data)) for address, data in runs
    )
    if not _committer.do(descriptor, table + b"".join(data for _, data in runs)):
        program.make_changes(descriptor, runs)


class _Committer:
    """The other process, from the first commit to the end of this one. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._memory = -1
        self._number = 0
        self._told = False

    def do(self, descriptor: int, batch: bytes) -> bool:
        """Whether the other process has made the changes. Raises OSError when the file does not take them."""
        with self._lock:
            try:
                if self._channel is None:
                    self._start()
                number = self._exchange(descriptor, batch)
            except (OSError, EOFError) as error:
                self._end(at_once=True)
                if not self._told:
                    self._told = True
                    logger.warning("files are written without the help of a second process: %s", error)
                return False
            except BaseException:  # its reply is not that of the next commit; what it has begun it completes
                self._end()
                raise
        if number:
            raise OSError(number, os.strerror(number))
        return True

    def _start(self) -> None:
        self._end()  # one that was interrupted while it ended
        if not sys.executable:
            raise OSError(errno.ENOENT, "there is no Python interpreter to start")
        self._memory = os.memfd_create("changes-of-files", os.MFD_CLOEXEC)
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_PATIENCE_S)
        with other:
            descriptors = other.fileno(), self._memory
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", program.__file__, *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )

    def _exchange(self, descriptor: int, batch: bytes) -> int:
        """0, or the number of the error."""
        assert self._channel is not None
        program.write_all(self._memory, batch, 0)
        self._number += 1
        socket.send_fds(self._channel, [program.MESSAGE.pack(self._number)], [descriptor])
        reply = self._channel.recv(program.REPLY.size)
        if len(batch) > _KEPT_NBYTES:
            os.ftruncate(self._memory, 0)
        if len(reply) < program.REPLY.size:
            raise EOFError("it ended")
        answered, error_number = program.REPLY.unpack(reply)
        if answered != self._number:
            raise EOFError(f"it answered message {answered} instead of {self._number}")
        return int(error_number)

    def _end(self, *, at_once: bool = False) -> None:
        """Return when it makes no more changes."""
        self._let_go()
        if self._process is not None:
            if at_once:
                self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_S)
        self._process = None

    def _let_go(self) -> None:
        channel, self._channel = self._channel, None
        memory, self._memory = self._memory, -1
        if channel is not None:
            channel.close()
        if memory >= 0:
            os.close(memory)

    def end(self) -> None:
        with self._lock:
            self._end()

    def forget(self) -> None:
        """In a forked process, where a thread that is not there any more may hold the lock: it is its
        parent's."""
        self._lock = threading.Lock()
        self._let_go()
        process, self._process = self._process, None
        if process is not None:
            process.poll()  # no child of this process: it counts as ended


_committer = _Committer()
atexit.register(_committer.end)
os.register_at_fork(after_in_child=_committer.forget)
