"""When a file is brought to the disk."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from nexus_writer.hdf5 import FileBroken, LiveFile, OpenFiles, write_value
from tests.descriptors import descriptors


def test_only_what_was_flushed_is_brought_to_the_disk(live: LiveFile) -> None:
    assert live.begin_sync(0) is None
    write_value(live.root, "x", 1)
    live.flush()
    assert live.begin_sync(60) is None
    sync = live.begin_sync(0)
    assert sync is not None
    assert live.begin_sync(0) is None  # it is under way
    live.flush()
    sync.settle(sync.run())
    again = live.begin_sync(0)
    assert again is not None
    again.settle(again.run())
    assert live.begin_sync(0) is None


def test_a_sync_that_fails_breaks_the_file(live: LiveFile) -> None:
    write_value(live.root, "x", 1)
    live.flush()
    sync = live.begin_sync(0)
    assert sync is not None
    assert sync.run() == ""
    sync.settle("Input/output error")
    with pytest.raises(FileBroken, match="EIO"):
        live.flush()
    assert live.begin_sync(0) is None


def test_a_file_may_be_closed_while_it_is_brought_to_the_disk(files: OpenFiles, tmp_path: Path) -> None:
    before = descriptors()
    live = files.acquire(tmp_path / "scan.h5", {})
    live.flush()
    sync = live.begin_sync(0)
    assert sync is not None
    files.release(live)
    with (tmp_path / "other").open("wb") as other:  # it may get the number of the descriptor that was closed
        sync.settle(sync.run() or "Input/output error")
        other.write(b"kept")
        other.flush()
        assert os.fstat(other.fileno()).st_size == 4
    assert descriptors() <= before


def test_a_sync_takes_the_result_of_the_one_under_way(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells an error of the disk to one fsync alone."""
    waits, go_on, fsync, errors = threading.Event(), threading.Event(), os.fsync, [errno.EIO]

    def fail_once(descriptor: int) -> None:
        if not errors:
            return fsync(descriptor)
        number = errors.pop()
        waits.set()
        assert go_on.wait(60)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail_once)
    live.flush()
    under_way = live.begin_sync(0)
    assert under_way is not None
    thread = threading.Thread(target=under_way.run)
    thread.start()
    assert waits.wait(60)
    live.flush()
    threading.Timer(0.1, go_on.set).start()
    with pytest.raises(FileBroken, match="EIO"):
        live.sync()
    thread.join()
    under_way.settle(under_way.run())


def test_a_sync_that_nobody_runs_is_not_waited_for(live: LiveFile, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append(descriptor), fsync(descriptor)))
    live.flush()
    under_way = live.begin_sync(0)
    assert under_way is not None
    live.flush()
    live.sync()
    assert len(calls) == 2
    under_way.settle(under_way.run())
    assert len(calls) == 2
    assert live.begin_sync(0) is None
    live.sync()
    assert len(calls) == 2


def test_a_sync_that_fails_after_the_close_is_kept(files: OpenFiles, tmp_path: Path) -> None:
    live = files.acquire(tmp_path / "scan.h5", {})
    live.flush()
    sync = live.begin_sync(0)
    assert sync is not None
    files.release(live)
    assert sync.run() == ""
    sync.settle("Input/output error")
    assert live.broken == "Input/output error"
