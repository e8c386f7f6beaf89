"""The bytes of a reply of Redis, as they come."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import hiredis
import redis

NOTHING = b"*-1\r\n"
"""The reply of an XREAD that finds nothing."""
WINDOW_NBYTES = 2**18
_NOT_YET = object()


class Incoming:
    """A window that moves over a reply; what it has passed is forgotten.

    ``receive_into`` is that of a socket. Behind the reply comes another one, ``end``: where the bytes so far
    end like that, nothing more is waited for but by the parser, which knows for certain.
    """

    def __init__(self, receive_into: Callable[[memoryview], int], end: bytes) -> None:
        self._receive_into = receive_into
        self._end = end
        self._buffer = bytearray(WINDOW_NBYTES)
        self._view = memoryview(self._buffer)
        self._at = self._stop = 0

    def has(self, nbytes: int) -> bool:
        """Wait for so many bytes; False when fewer are left."""
        while self._stop - self._at < nbytes:
            if self._buffer.endswith(self._end, self._at, self._stop):
                return False
            self._receive(nbytes)
        return True

    def view(self, offset: int, nbytes: int) -> memoryview:
        """Bytes that it ``has``; valid until more are waited for."""
        start = self._at + offset
        return self._view[start : start + nbytes]

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """The next bytes, as far as they are here, where they are as the pattern says."""
        return pattern.match(self._buffer, self._at, self._stop)

    def skip(self, nbytes: int) -> None:
        """Pass bytes that it ``has``."""
        self._at += nbytes

    def line(self) -> bytes:
        """The bytes before the next end of a line; both are passed."""
        searched = self._at
        while (stop := self._buffer.find(b"\r\n", searched, self._stop)) < 0:
            passed = self._stop - self._at
            self._receive(passed + 1)
            searched = self._at + max(0, passed - 1)
        line = bytes(self._view[self._at : stop])
        self._at = stop + 2
        return line

    def finish(self) -> None:
        """Pass the end. Raises redis.InvalidResponse where something else comes."""
        if not self.has(len(self._end)) or self.view(0, len(self._end)) != self._end:
            raise redis.InvalidResponse("another reply than expected")
        self.skip(len(self._end))

    def parsed(self, before: bytes = b"") -> Any:
        """What is left of the reply, with bytes ``before`` it, as objects; all of it is passed, and ``end``.

        An error is returned.
        """
        reader: Any = hiredis.Reader(protocolError=redis.InvalidResponse, notEnoughData=_NOT_YET)
        reader.feed(before)
        found: list[Any] = []
        while len(found) < 2:
            reader.feed(self._view[self._at : self._stop])
            self._at = self._stop
            while len(found) < 2 and (one := reader.gets(False)) is not _NOT_YET:
                found.append(one)
            if len(found) < 2:
                self._receive(1)
        return found[0]

    def _receive(self, nbytes: int) -> None:
        """Some more, with room for ``nbytes`` that are not passed yet."""
        left = self._stop - self._at
        if not left or self._at + nbytes > len(self._buffer) or self._stop == len(self._buffer):
            remaining = self._view[self._at : self._stop]
            if nbytes > len(self._buffer) or left == len(self._buffer):
                self._buffer = bytearray(2 * max(nbytes, left))
                self._view = memoryview(self._buffer)
            self._view[:left] = remaining
            self._at, self._stop = 0, left
        received = self._receive_into(self._view[self._stop :])
        if not received:
            raise redis.ConnectionError("Connection closed by server.")
        self._stop += received
