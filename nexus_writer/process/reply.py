"""What a backend answers to calls, and who of the waiting threads reads it.

There is no thread for it: no thread may run when a process is forked, and a hand-over between threads costs
more than a message. The first who waits reads for all; when its own reply is there the next one takes over.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from .errors import BackendDied
from .pipe import MessagePipe

__all__ = ["Replies", "Reply"]


class Reply:
    """The answer to a call, now or later. One that nobody keeps is thrown away when it comes."""

    __slots__ = ("__weakref__", "_error", "_replies", "_value", "is_done", "number")

    def __init__(self, replies: Replies, number: int) -> None:
        self.number = number
        self.is_done = False
        self._replies = replies
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Is it there, or will it never be? Does not wait."""
        self._replies.take_what_is_there()
        return self.is_done or self._replies.at_end

    def result(self, timeout: float | None = None) -> Any:
        """What the command returned, or raises what it raised.

        Raises TimeoutError after ``timeout`` seconds, BackendDied if the backend ends without an answer.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self._value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the command raised. Raises as ``result`` does where there is no answer."""
        self._replies.wait(self, timeout)
        return self._error

    def set(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error = value, error
        self.is_done = True


class Replies:
    """All that a backend answers. ``died`` says why there will be no more answers.

    References that would make a circle are weak: the descriptors go with the last reference to a process.
    """

    def __init__(self, pipe: MessagePipe, died: weakref.WeakMethod[Callable[[], BaseException]]) -> None:
        self._pipe = pipe
        self._died = died
        self._pending: weakref.WeakValueDictionary[int, Reply] = weakref.WeakValueDictionary()
        self._numbers = itertools.count()
        self._condition = threading.Condition()
        self._is_read = False
        self.at_end = False
        self.start = Reply(weakref.proxy(self), next(self._numbers))
        """Number 0: the backend has begun, or could not."""
        self._pending[0] = self.start

    def expected(self) -> Reply:
        """A reply with a number of its own."""
        reply = Reply(self, next(self._numbers))
        self._pending[reply.number] = reply
        if len(self._pending) > 32:
            self.take_what_is_there()
        return reply

    def wait(self, reply: Reply, timeout_s: float | None) -> None:
        """Until the reply is there. Raises TimeoutError, or what ``died`` says."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not reply.is_done:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            with self._condition:
                if self.at_end or reply.is_done:
                    break
                if self._is_read:
                    if not self._condition.wait(left_s):
                        raise TimeoutError(f"no answer within {timeout_s} s")
                    continue
                self._is_read = True
            if not self._read(left_s) and not self.at_end:
                raise TimeoutError(f"no answer within {timeout_s} s")
        if not reply.is_done:
            died = self._died()
            raise BackendDied("of this call", None) if died is None else died()

    def take_what_is_there(self) -> None:
        """Sort in what has come, without waiting."""
        more = True
        while more:
            with self._condition:
                if self._is_read or self.at_end:
                    return
                self._is_read = True
            more = self._read(0)

    def _read(self, timeout_s: float | None) -> bool:
        """One answer; False if none came in time, or none will come."""
        try:
            if timeout_s is not None and not self._pipe.poll(timeout_s):
                return False
            number, value, error = self._pipe.recv()
            reply = self._pending.pop(number, None)
            if reply is not None:
                reply.set(value, error)
        except (EOFError, OSError):
            self.at_end = True
            return False
        finally:
            with self._condition:
                self._is_read = False
                self._condition.notify_all()
        return True
