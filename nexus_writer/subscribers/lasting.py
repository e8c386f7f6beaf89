"""Writing that outlasts a full, broken or slow disk: what it refuses is made up for when it takes it.

While a scan waits here, the others of the writer thread go on, and its own listener stops reading as soon as
the queue is full: Redis buffers. After a write that failed nothing is written through that handle any more;
all scans of the file give it back (each looks every 0.5 s), and when the disk takes writes again each of them
opens the file anew and is gone on with as after a restart, with what was received and not committed kept in
memory. See docs/decisions/0009-a-broken-file-is-opened-anew.md.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import gevent
import redis

from nexus_writer.concurrency import AsyncResult, Event
from nexus_writer.data.history import entries_up_to
from nexus_writer.data.link import Link
from nexus_writer.data.streams import RawEntry
from nexus_writer.hdf5 import FileBroken, FileLocked, FileNotWritable, OpenFiles, Sync

from .disk import MB, DiskSpace
from .errors import FileStaysLocked, Finished, StillBroken
from .failed_writes import FailedWrites
from .follower import REDIS_AWAY
from .patience import FileWait
from .scan_consumer import ScanConsumer

LOOK_EVERY_S = 0.5
"""Seconds between two looks at a disk that is waited for, and at a file that another scan may break."""

PAUSE_S = 0.002
"""Of a scan whose chunks are being compressed: about as long as one takes."""

WAIT_FOR_ANOTHER_S = 0.25
"""Seconds between two looks at a locked file."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a scan tells its users what it waits for."""

    reason: Callable[[], str]
    say: Callable[[str, int], None]


class LastingWrites:
    """All writes of one consumer, in the writer thread. ``interrupt`` is sent when the scan is to end.

    ``check`` raises when the file is not this scan's to write any more; it is asked before a file is opened
    anew. Who has that file open for writing then is waited for as ``file_wait`` says.
    """

    def __init__(
        self,
        consumer: ScanConsumer,
        files: OpenFiles,
        disk: Callable[[], DiskSpace | None],
        voice: Voice,
        interrupt: Event,
        check: Callable[[], None],
        file_wait: FileWait,
        connect: Callable[..., redis.Redis],
    ) -> None:
        self._consumer = consumer
        self._files = files
        self._disk = disk
        self._voice = voice
        self._interrupt = interrupt
        self._check = check
        self._file_wait = file_wait
        self._connect = connect
        self._failed = FailedWrites()

    def wait_for_space(self) -> None:
        """Return when there is as much as the reserve, or when the scan is asked to end."""
        disk = self._disk()
        reason = self._voice.reason()
        while disk is not None and (error := disk.error()):
            self._warn(f"{error} in {disk.directory}: free some, the scan waits in Redis")
            if self._interrupt.wait(LOOK_EVERY_S):
                return
            self.do(self._consumer.check)
        self._voice.say(reason, logging.INFO)

    def open(self) -> None:
        """Have the consumer open its file, or another one beside it when that was locked for too long.

        Raises FileStaysLocked when the scan is to end meanwhile, and what ``check`` does.
        """
        reason = self._voice.reason()
        while True:
            self.wait_for_space()
            self._check()
            beside, takes_over = self._file_wait.is_over(), self._file_wait.takes_over
            try:
                self.do(partial(self._consumer.open, beside=beside, take_over=takes_over))
            except FileLocked as error:
                why = f"{error}, the scan waits in Redis"
            else:
                break
            self._file_wait.locked()
            self._warn(why)
            if self._interrupt.wait(WAIT_FOR_ANOTHER_S) and (beside or not self._file_wait.is_stopped()):
                raise FileStaysLocked(why)
        self._file_wait.opened()
        if "open for writing" in self._voice.reason():
            self._voice.say(reason, logging.INFO)

    def sync_now_and_then(self, period_s: float) -> None:
        """Begin to bring the file to the disk (fsync) when that is due. What comes of it is met by ``do``."""
        if period_s and (sync := self._consumer.begin_sync(period_s)) is not None:
            gevent.spawn(_carry_out, sync)

    def sync(self, syncs: Iterable[Sync]) -> None:
        """Wait until the disk has what was flushed, while other scans go on.

        Raises FileBroken, and what ``check`` does: it may have taken long. Then the file is let go.
        """
        for sync in syncs:
            _carry_out(sync)
        self._check_or_abandon()
        self._consumer.check()

    def pause(self) -> None:
        """Let other scans go on for a moment, in the midst of writing. Raises what ``check`` does; then the
        file is let go."""
        gevent.sleep(PAUSE_S)
        self._check_or_abandon()

    def _check_or_abandon(self) -> None:
        try:
            self._check()
        except Finished as lost:
            self._consumer.abandon(str(lost))
            raise

    def do(self, write: Callable[[], None], *, again: bool = False) -> None:
        """Let the consumer ``write``, and where that fails bring all of the scan into the file opened anew.

        ``write`` is done with that, but for what has to come ``again``. Raises StillBroken when the scan was
        asked to end meanwhile, and the failure when it is final.
        """
        broken: FileBroken | FileNotWritable | None = None
        reason = self._voice.reason()
        while True:
            try:
                if broken is not None:
                    self._consumer.reopen(self._history, beside=self._file_wait.is_over())
                    self._file_wait.opened()
                if broken is None or again:
                    write()
                break
            except (FileBroken, FileNotWritable) as error:
                broken, why = error.with_traceback(None), ""  # which would hold this call, and the file
            except (FileLocked, *REDIS_AWAY) as error:
                if broken is None:
                    raise
                why = str(error)
                if isinstance(error, FileLocked):
                    self._file_wait.locked()
            self._consumer.give_back()
            self._wait(broken, why)
        if broken is not None:
            self._voice.say(reason, logging.WARNING)

    def _wait(self, broken: FileBroken | FileNotWritable, why: str) -> None:
        """Return when another try makes sense; ``why`` is what hindered the last one, when not the disk."""
        self._check()
        if not why:
            self._give_up_after(broken)
        disk, needed_mb = self._disk(), self._consumer.progress.bytes / MB + 1
        why = why or broken.why
        while why or self._files.is_broken(broken.path):
            self._warn(f"{why or broken.why}: {broken.path} cannot be written, the scan waits in Redis")
            if self._interrupt.wait(LOOK_EVERY_S):
                raise StillBroken(str(broken))
            self._check()
            why = "" if disk is None else disk.lacks(needed_mb)
            if disk is not None and not why and (why := disk.refusal()):
                self._give_up_after(FileBroken(broken.path, why))

    def _give_up_after(self, error: FileBroken | FileNotWritable) -> None:
        """Raises it when it is final."""
        if self._failed.is_final(error, self._consumer.progress.flushed_at, time.monotonic()):
            raise error

    def _history(self, channel: str, last: bytes) -> Iterator[list[RawEntry]]:
        """By a connection that belongs to the writer thread."""
        client = self._connect(green=True)
        link = Link(client)
        try:
            yield from entries_up_to(link, channel, last)
        finally:
            link.drop()
            client.close()

    def _warn(self, reason: str) -> None:
        self._voice.say(reason, logging.WARNING)


def _carry_out(sync: Sync) -> None:
    """In a thread of its own: a disk takes milliseconds to seconds for it, one that hangs takes for ever."""
    done: AsyncResult[str] = AsyncResult()
    try:
        threading.Thread(target=lambda: done.set(sync.run()), name="fsync", daemon=True).start()
    except RuntimeError:  # no more threads can be had: everything waits
        done.set(sync.run())
    sync.settle(done.get())
