"""Saves one scan: a listener greenlet drains Redis, a consumer greenlet of the writer thread writes HDF5."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import gevent
import redis

from nexus_writer.concurrency import Event
from nexus_writer.data.connection import connect

from .claims import Claim, LeaseLost, writer_name
from .errors import Finished, NotSaved
from .finished import FinishedScan
from .follower import LISTENS
from .lag import LagWatch
from .last_frames import wait_for_frames
from .lasting import LOOK_EVERY_S, LastingWrites, Voice
from .modes import Mode, Request
from .options import WriterOptions
from .patience import AFTER_ANOTHER, FileWait, Patience
from .scan_consumer import ScanConsumer
from .scan_disk import OnDisk, ScanDisk
from .scan_found import ScanFound
from .scan_listener import Received, ScanGone, ScanInterrupted, ScanListener
from .scan_log import ScanLog
from .state import SubscriberState
from .status import ScanStatus
from .subscriber import Subscriber
from .trimming import TrimWatch
from .weakly import weakly
from .writer_thread import WriterThread

logger = logging.getLogger(__name__)


class NexusScanWriter(OnDisk, Subscriber[Received]):
    """Saves the scan of one node. Clients of any thread may ask it; ``start`` belongs to the listeners'."""

    replaced: bool = False
    """Whether another scan has its key now."""
    opened: bool = False
    """Its file was opened here."""
    left: bool = False
    """Another writer has its file, and goes on with it."""
    completed: bool = False
    """Its entry is complete, for good or until a silent scan speaks, for all writers. Where it
    is not, another one may go on: this one ended before the scan did, or its disk failed."""
    silent_since: Mapping[str, bytes] | None = None
    """Where each stream of the scan ended when it was given up for its silence; None when it was not."""

    def __init__(
        self,
        key: str,
        name: str,
        session: str,
        client: redis.Redis,
        options: WriterOptions,
        writer: WriterThread,
        connect: Callable[..., redis.Redis] = connect,
        *,
        claim: Claim | None = None,
        taken_over: bool = False,
    ) -> None:
        """``claim`` is that of the file, None where nobody else may come; ``taken_over`` says that another
        writer had the scan, and may have completed it, or come back while it holds the file."""
        super().__init__(
            key, connect=connect, mode=Mode.PARALLEL, thread=writer.thread, queue_size=options.queue_size
        )
        self.name = name
        self.session = session
        self.writing_since = time.time()
        self._writer = writer
        self._options = options
        self._consumer = ScanConsumer(
            key, options, writer.files, writer.masters, weakly(self._pause), writer.infos
        )
        self._known = Event()
        self._lag = LagWatch(key)
        self._redis = ScanListener(
            key,
            client,
            weakly(self._ask_redis),
            self._lag,
            pace_s=options.pace_s,
            silence_s=options.silence_s,
        )
        self._log = ScanLog(key, logger)
        self._disk = ScanDisk(weakly(self._wait_for_filename), options)
        self._trimming = TrimWatch()
        self._lasting = self._lasting_writes(AFTER_ANOTHER if taken_over else options.patience, connect)
        self._may_go_on = True
        self._interrupted = ""
        self._claim = claim
        self._taken_over = taken_over
        self._saved_before = False

    def _lasting_writes(self, patience: Patience, connect: Callable[..., redis.Redis]) -> LastingWrites:
        return LastingWrites(
            self._consumer,
            self._writer.files,
            self._disk.space,
            Voice(weakly(self._why), weakly(self._say)),
            self._interrupt,
            weakly(self._check_claim),
            FileWait(patience, partial(getattr, self._lag, "unread"), weakly(self._is_stopped)),
            connect,
        )

    # -- for clients --

    @property
    def uris(self) -> list[str]:
        """Where it is saved: ``file::/N.i``, one per top master."""
        return list(self._consumer.progress.uris)

    @property
    def filename(self) -> Path | None:
        """The file as this host sees it; None when the scan has none. A scan just found takes up to 2 s."""
        return self._wait_for_filename()

    def _wait_for_filename(self) -> Path | None:
        self._known.wait(2.0)
        return Path(self._consumer.filename) if self._consumer.filename else None

    def stop(self, wait: bool = False, timeout: float | None = None) -> None:
        """Listen no more, and complete the file with what there is: for good, the scan is not resumed."""
        self._may_go_on = False
        super().stop(wait, timeout)

    def kill(self, wait: bool = False, timeout: float | None = None) -> None:
        """The same, without what was not written yet."""
        self._may_go_on = False
        super().kill(wait, timeout)

    def leave(self) -> None:
        """The writer ends, the scan does not: complete the file, for now. Whoever looks back resumes it."""
        super().stop()

    def status(self) -> ScanStatus:
        """Everything about it as one frozen value."""
        return ScanStatus(
            name=self.name,
            key=self.key,
            session=self.session,
            state=self.state.name,
            reason=self.reason,
            start_time=self._consumer.start_time,
            writing_since=self.writing_since,
            end_time=self.end_time,
            scan_end_time=self._consumer.scan_end_time,
            lag_s=0.0 if self.done() else self._consumer.lag_s(),
            lag_entries=0 if self.done() else self._lag.unread.entries,
            lag_fill=0.0 if self.done() else self._lag.unread.fill,
            queue_fill=0.0 if self.done() else min(1.0, len(self._queue) / self._queue_size),
            written_by=writer_name(self._claim.lease.owner) if self._claim else "",
            progress=self._consumer.progress,
        )

    def record(self) -> FinishedScan:
        """When it is done: what stays of it."""
        silent = self.silent_since is not None
        return FinishedScan(self.status(), self.filename, self._options, silent=silent)

    def _say(self, reason: str, level: int = logging.INFO) -> None:
        """A FAULT that stopped the acquisition, while the writing goes on, keeps its reason."""
        if self.state is not SubscriberState.FAULT:
            super()._say(reason, level)

    # -- listener --

    def _listen(self) -> Iterator[Sequence[Received]]:
        return self._redis.listen(self._listening.send, weakly(self._is_stopped))

    def _is_stopped(self) -> bool:
        return self._request is Request.STOP

    def _hold_on(self) -> None:
        """The consumer takes nothing: FAULT stops the acquisition before Redis drops what it did not take.

        The writing goes on all the same, when it can.
        """
        self._trimming.look(self._lag.unread.fill, time.monotonic())
        if self._trimming.is_near:
            why = "The disk does not answer" if self.reason == LISTENS else self.reason
            self._become(
                SubscriberState.FAULT, f"{why}; Redis is about to drop points: no more of them can be kept"
            )

    # -- consumer, in the writer thread --

    def _pause(self) -> None:
        self._lasting.pause()

    def _why(self) -> str:
        return self.reason

    def _consume(self, item: Received) -> None:
        if isinstance(item, ScanGone):
            self._warn(item.why)
            self._check_claim()
            self._lasting.do(partial(self._consumer.warn, item.why))
            return
        if isinstance(item, ScanInterrupted):
            self._interrupted = item.why
            self.silent_since, self.replaced = item.since, item.replaced
            self._may_go_on &= not item.replaced
            raise Finished
        if not isinstance(item, ScanFound):
            self._check_claim()
            self._lasting.do(lambda: self._consumer.feed(item))
            return
        try:
            self._consumer.find(item)
        except NotSaved:
            raise Finished from None
        finally:
            self._known.send()
        if self._taken_over and self._consumer.is_saved():
            self._saved_before = True
            raise Finished
        self._lasting.open()
        self.opened = True
        self._log.opened(self._consumer.progress)
        self._writer.link_later()

    def _check_claim(self) -> None:
        """Right before writing. Raises LeaseLost."""
        if self._claim is not None and not self._claim.holds():
            self._claim.check(lambda: self._request is not None)

    def _seconds_to_tick(self) -> float | None:
        due_s = self._consumer.seconds_to_flush()
        return LOOK_EVERY_S if due_s is None else min(due_s, LOOK_EVERY_S)

    def _tick(self) -> None:
        self._lasting.sync_now_and_then(self._options.sync_period_s)
        if self._consumer.seconds_to_flush() != 0.0:
            self._lasting.do(self._consumer.check)
            return
        self._lasting.wait_for_space()
        self._check_claim()
        self._lasting.do(self._consumer.flush)
        self._log.warn(self._consumer.progress.warnings)
        if warnings := self._consumer.progress.warnings:
            self._say(warnings[-1], logging.DEBUG)
        gevent.sleep(0)  # the scans of other sessions share this thread

    def _finish_file(self, failure: str | None, *, flush: bool, may_go_on: bool) -> str | None:
        """Complete the file; why the writing failed, None when it did not."""
        why = failure

        def finish() -> None:
            nonlocal why
            why = self._consumer.finish(failure, flush=flush, may_go_on=may_go_on, sync=self._lasting.sync)

        try:
            self._lasting.do(finish, again=True)
        except LeaseLost:
            raise
        except Exception as error:
            why = failure or self._describe(error)
            self._consumer.give_back()
            self._consumer.finish(why, flush=False)
        return why

    def _finish(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        self._known.send()
        try:
            if self._saved_before:
                return SubscriberState.OFF, "Saved by another writer"
            self._check_claim()
            return self._complete(request, failure)
        except LeaseLost as lost:
            self.left = True
            self._consumer.abandon(str(lost))
            return SubscriberState.OFF, str(lost)
        finally:
            self._consumer.forget()

    def _wait_for_frames(self) -> str | None:
        """Why they cannot be waited for; the file is completed all the same."""
        try:
            wait_for_frames(self._consumer, self._check_claim, self._interrupt)
        except LeaseLost:
            raise
        except Exception as error:
            return self._describe(error)
        return None

    def _complete(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        """The file, for good or for now; the state that follows."""
        sound = failure is None
        if sound and request is not None:
            waited_for = "" if self.reason == LISTENS else f", while it waited: {self.reason}"
            failure = f"{request.value} before the scan ended{waited_for}"
        if sound and request is None and not self._interrupted:
            failure = self._wait_for_frames()
        may_go_on = self._may_go_on and not (sound and self._consumer.has_ended)
        failure = self._finish_file(
            failure or self._interrupted or None,
            flush=sound and request is not Request.KILL,
            may_go_on=may_go_on,
        )
        silent = bool(self._interrupted) and request is None
        self.completed = self._consumer.completed and (silent or not may_go_on)
        self._log.finished(self._consumer.progress, failure)
        self._writer.link_later()
        if self._interrupted and sound and failure:
            return SubscriberState.OFF, failure
        if failure is not None:
            return SubscriberState.FAULT, failure
        return SubscriberState.OFF, "Finished successfully"
