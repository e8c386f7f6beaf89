"""The one thread of a process in which HDF5 lives.

HDF5's Python binding holds one lock for the whole of every call, so a second thread that merely drops its
last reference to a dataset waits for whatever the first one writes: 0.1 to 1.3 s, measured. All HDF5 objects
are therefore born, used and forgotten in this thread, and what other threads see of a scan are frozen
numbers and texts. All scans of all sessions of a process share it, and with it the files that are open.
"""

from __future__ import annotations

import atexit
import time

import gevent

from nexus_writer.concurrency import Lock, Thread
from nexus_writer.data.info_memory import InfoMemory
from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import Masters

from .backoff import Backoff

LINK_AFTER_S, LINK_EVERY_S = 2.0, 60.0


class WriterThread:
    """A native thread with its own hub, the files that it has open, and links that wait for a file."""

    def __init__(self) -> None:
        self.files = OpenFiles()
        self.masters = Masters(self.files)
        self.infos = InfoMemory()
        self._linking: gevent.Greenlet | None = None
        self._backoff = Backoff(LINK_AFTER_S, LINK_EVERY_S)
        self._link_at_s = 0.0
        self.thread = Thread(name="nexus-writer")
        self.thread.start(wait=True)

    def link_later(self) -> None:
        """Go on trying the links that wait for a file; soon, what was tried for long already. To be called in
        the thread."""
        self._backoff = Backoff(LINK_AFTER_S, LINK_EVERY_S)
        soon_s = time.monotonic() + LINK_AFTER_S
        if self._linking is not None:
            if not self._linking.dead and self._link_at_s <= soon_s:
                return  # whoever calls again and again must not put it off
            self._linking.kill(block=False)
        self._link_at_s = soon_s
        self._linking = gevent.spawn(self._link) if len(self.masters) else None

    def _link(self) -> None:
        while len(self.masters):
            wait_s = self._backoff.next_s()
            self._link_at_s = time.monotonic() + wait_s
            gevent.sleep(wait_s)
            self.masters.retry()

    def stop(self, timeout: float | None = 5.0) -> None:
        """End the thread once its greenlets are finished."""
        self.thread.stop(wait=True, timeout=timeout)


_lock = Lock()  # not a native one: who starts the thread waits for it, and lets other greenlets ask
_shared: WriterThread | None = None


def shared_writer_thread() -> WriterThread:
    """The writer thread of this process, started when first asked for."""
    global _shared
    with _lock:
        if _shared is None:
            _shared = WriterThread()
            atexit.register(_stop_shared)
        return _shared


def _stop_shared() -> None:
    if _shared is not None:
        _shared.stop()
