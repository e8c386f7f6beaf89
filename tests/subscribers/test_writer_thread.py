"""The one writer thread of a process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

from nexus_writer.layout.entry_links import EntryLink
from nexus_writer.subscribers.writer_thread import WriterThread

MANY_ASK_AT_ONCE = """
import gevent
from nexus_writer.concurrency import Thread
from nexus_writer.subscribers.writer_thread import shared_writer_thread

started = Thread.start


def start_on_a_busy_machine(thread, **arguments):
    gevent.sleep(0.05)
    return started(thread, **arguments)


Thread.start = start_on_a_busy_machine

asking = [gevent.spawn(shared_writer_thread) for _ in range(5)]
gevent.joinall(asking, raise_error=True)
assert len({id(greenlet.value) for greenlet in asking}) == 1
"""


def test_sessions_that_begin_at_once_share_it() -> None:
    subprocess.run([sys.executable, "-c", MANY_ASK_AT_ONCE], check=True, timeout=120)


def test_links_that_wait_are_tried_however_often_scans_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them wants the links to be tried soon."""
    monkeypatch.setattr("nexus_writer.subscribers.writer_thread.LINK_AFTER_S", 0.3)
    monkeypatch.setattr("nexus_writer.layout.masters.RETRY_EVERY_S", 0.01)
    writer, master = WriterThread(), tmp_path / "master.h5"
    try:
        master.write_text("no HDF5")
        link = EntryLink(master, ("1.1",), "x.h5", "1.1")
        writer.thread.apply(lambda: writer.masters.link([link], {}))
        master.unlink()
        deadline_s = time.monotonic() + 60
        while len(writer.masters):
            assert time.monotonic() < deadline_s, "not linked"
            writer.thread.apply(writer.link_later)
            time.sleep(0.02)
    finally:
        writer.stop()
    with h5py.File(master) as file:
        assert list(file.keys()) == ["1.1"]
