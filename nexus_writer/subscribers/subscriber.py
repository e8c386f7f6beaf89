"""A subscriber follows one Redis node: a listener takes what is published, a consumer digests it.

The two meet in one of three ways (``Mode``). Whatever the way, these hold:

* The listener runs in the thread that called ``start``; only it is ever interrupted. It waits in a socket,
  and an exception thrown into that wait costs nothing but the connection.
* The consumer is never interrupted. It looks at a request to stop or to be killed between two batches, and
  whatever happens, ``_finish`` runs exactly once, in the consumer's thread, before the subscriber is done.
* A queue between them is bounded: a slow consumer makes the listener wait, and Redis buffers.
* No exception of the consumer crosses the thread boundary as an object: its traceback could keep objects
  alive that belong to the consumer's thread. Only its text does.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Full
from typing import Generic, TypeVar

import gevent
import redis
from gevent import GreenletExit

from nexus_writer.concurrency import Event, HubTrigger, Queue, Thread
from nexus_writer.data.connection import connect
from nexus_writer.data.errors import DataError
from nexus_writer.hdf5 import Hdf5Error
from nexus_writer.layout import LayoutError
from nexus_writer.model.roots import OutsideRoots

from .errors import FileStaysLocked, Finished, ListenerFailed, NotStarted, StillBroken
from .follower import LISTENS, Follower
from .modes import Mode, Request
from .state import SubscriberState
from .weakly import if_there

Item = TypeVar("Item")
EXPECTED = (
    DataError,
    Hdf5Error,
    LayoutError,
    FileStaysLocked,
    ListenerFailed,
    OutsideRoots,
    StillBroken,
    redis.RedisError,
)
"""Errors whose message says all that there is to say; any other is logged with its traceback."""
FULL_FOR_S = 1.0
logger = logging.getLogger(__name__)


class Subscriber(Follower, Generic[Item]):
    """Follows one node from ``start`` until its end, a stop, a kill or a failure.

    Subclasses say how to listen (``_listen``), how to consume a batch (``_consume``), what to do now and then
    (``_tick``, at the latest after ``_seconds_to_tick``) and how to end (``_finish``).
    """

    mode: Mode

    def __init__(
        self,
        key: str,
        *,
        connect: Callable[..., redis.Redis] = connect,
        mode: Mode = Mode.SEQUENTIAL,
        thread: Thread | None = None,
        queue_size: int = 8,
    ) -> None:
        if (mode is Mode.PARALLEL) != (thread is not None):
            raise ValueError("a parallel subscriber, and no other, needs a thread for its consumer")
        super().__init__(key, connect)
        self.mode = mode
        self._thread = thread
        self._queue: Queue[Sequence[Item] | _Last] = Queue(maxsize=queue_size)
        self._queue_size = queue_size
        self._request: Request | None = None
        self._interrupt = Event()
        self._listening = Event()
        self._listener: gevent.Greenlet | None = None
        self._listener_ran = False
        self._ending = False
        self._end_listener: HubTrigger | None = None

    # -- life --

    def start(self, wait: bool = False, timeout: float | None = None) -> None:
        """INIT to ON: listen from now on. ``wait`` returns once the node is listened to.

        Raises NotStarted when it was started before, TimeoutError when it does not listen in time.
        """
        if not self._become(SubscriberState.ON, LISTENS):
            raise NotStarted(self._state)
        self._started_at = time.time()
        self._end_listener = HubTrigger(if_there(self._interrupt_listener))
        if self.mode is Mode.SEQUENTIAL:
            self._listener = gevent.spawn(self._digest, self._listen)
        else:
            self._listener = gevent.spawn(self._listen_into_queue)
            if self._thread is None:
                gevent.spawn(self._digest, self._batches_from_queue)
            else:
                self._thread.spawn(self._digest, self._batches_from_queue)
        if wait and not self.wait_listening(timeout):
            raise TimeoutError(f"{self.key} is not listened to after {timeout} s: {self._reason}")

    def stop(self, wait: bool = False, timeout: float | None = None) -> None:
        """Listen no more; what was received is digested, then ON becomes OFF."""
        self._end(Request.STOP, wait, timeout)

    def kill(self, wait: bool = False, timeout: float | None = None) -> None:
        """Listen no more; what was received is dropped, then ON becomes FAULT."""
        self._end(Request.KILL, wait, timeout)

    def wait_listening(self, timeout: float | None = None) -> bool:
        """Wait until the node is listened to; False when it is not after ``timeout`` seconds."""
        return bool(self._listening.wait(timeout))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it is finished; False when it is not after ``timeout`` seconds."""
        return bool(self._finished.wait(timeout))

    def _end(self, request: Request, wait: bool, timeout: float | None) -> None:
        with self._lock:
            if self._request is not Request.KILL:
                self._request = request
        if self._end_listener is None:  # never started
            state = SubscriberState.FAULT if request is Request.KILL else SubscriberState.OFF
            self._become(state, request.value)
            self._finished.send()
            return
        self._interrupt.send()
        self._end_listener.send()
        if wait and not self.join(timeout):
            raise TimeoutError(f"{self.key} is not finished after {timeout} s: {self._reason}")

    # -- listener --

    def _interrupt_listener(self) -> None:
        """In a greenlet of the start thread: end the listener's wait."""
        if self._listener is None or self._ending:
            return
        self._listener.kill()
        self._listener = None
        if self._listener_ran:
            return
        if self.mode is Mode.SEQUENTIAL:  # killed before its first switch: nobody else says that it ended
            self._wind_up(None)
        else:
            self._queue.put(_Last())

    def _listen_into_queue(self) -> None:
        self._listener_ran = True
        last: str | None = None
        try:
            for batch in self._listen():
                self._hand_over(batch)
                gevent.sleep(0)  # a socket with data ready never switches: let the others of this thread run
        except GreenletExit:
            pass
        except Exception as error:
            last = self._describe(error)
        if not self.done():
            self._queue.put(_Last(last))

    def _hand_over(self, batch: Sequence[Item]) -> None:
        full = False
        while True:
            try:
                if full:
                    self._hold_on()
                return self._queue.put(batch, timeout=FULL_FOR_S)
            except Full:
                full = True
            except GreenletExit:
                if self._request is Request.STOP:  # what was received is digested
                    self._queue.put(batch)
                raise

    def _batches_from_queue(self) -> Iterator[Sequence[Item]]:
        while True:
            try:
                batches = self._queue.get_all(timeout=self._seconds_to_tick())
            except Empty:
                yield ()
                continue
            for batch in batches:
                if isinstance(batch, _Last):
                    if batch.failure is not None:
                        raise ListenerFailed(batch.failure)
                    return
                if self._request is Request.KILL:
                    return
                yield batch

    # -- consumer --

    def _digest(self, batches: Callable[[], Iterator[Sequence[Item]]]) -> None:
        failure: str | None = None
        self._listener_ran |= self.mode is Mode.SEQUENTIAL
        try:
            for batch in batches():
                for item in batch:
                    self._consume(item)
                self._tick()
                if self._request is Request.KILL:
                    break
        except (Finished, GreenletExit):
            pass
        except Exception as error:
            failure = self._describe(error)
        finally:
            self._wind_up(failure)

    def _wind_up(self, failure: str | None) -> None:
        """Release everything and become OFF or FAULT; never raises."""
        if self.mode is not Mode.SEQUENTIAL and self._end_listener is not None:
            self._end_listener.send()
        self._ending = self.mode is Mode.SEQUENTIAL
        try:
            state, reason = self._finish(self._request, failure)
        except Exception as error:
            state, reason = SubscriberState.FAULT, failure or self._describe(error)
        self._become(state, reason)
        self._finished_at = time.time()
        self._finished.send()
        while True:  # a listener that waits for room in the queue of a finished consumer
            try:
                self._queue.get_all(timeout=0)
            except Empty:
                return

    def _describe(self, error: BaseException) -> str:
        """One line for users; the traceback goes to the log as text, for it must not outlive this thread."""
        text = str(error) or type(error).__name__
        if not isinstance(error, EXPECTED):
            logger.error("[%s] failed\n%s", self.key, traceback.format_exc())
        return text

    # -- for subclasses --

    def _listen(self) -> Iterator[Sequence[Item]]:
        """Batches of items in the start thread, until the node ends; send ``_listening`` when subscribed."""
        raise NotImplementedError

    def _hold_on(self) -> None:
        """Now and then in the start thread, while the listener waits for room in the queue."""

    def _consume(self, item: Item) -> None:
        """Digest one item. Raises Finished when nothing more is wanted."""
        raise NotImplementedError

    def _seconds_to_tick(self) -> float | None:
        """How long the consumer may wait for a batch before ``_tick`` is due; None for ever."""
        return None

    def _tick(self) -> None:
        """After every batch, and when ``_seconds_to_tick`` are over."""

    def _finish(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        """Release resources; the final state and its reason."""
        self._nodes.pop()
        if failure is not None:
            return SubscriberState.FAULT, failure
        if request is Request.KILL:
            return SubscriberState.FAULT, request.value
        return SubscriberState.OFF, request.value if request else "Finished successfully"


class _Last:
    """Behind the last batch of a listener; ``failure`` says why when it did not end well."""

    def __init__(self, failure: str | None = None) -> None:
        self.failure = failure
