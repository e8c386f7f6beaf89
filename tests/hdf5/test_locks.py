"""With readers and writers in other processes, as it happens at a beamline."""

import errno
import fcntl
import logging
import os
from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import FileLocked, FileNotLockable, FileNotWritable, LiveFile, OpenFiles, write_value
from nexus_writer.hdf5.locks import WriterLock, warn_without_locks

from .processes import run_python, running_python

READ = """
    import h5py, sys
    with h5py.File(sys.argv[1]) as file:
        file.visititems(lambda name, item: None)
        print(file["x"][()])
"""

WRITE = """
    import h5py, sys
    try:
        h5py.File(sys.argv[1], sys.argv[2])
    except OSError as error:
        print(error)
"""

OURS = """
    import sys, time
    from nexus_writer.hdf5 import FileLocked, OpenFiles
    files = OpenFiles()
    try:
        file = files.acquire(sys.argv[1], {})
    except FileLocked as error:
        print(error)
    else:
        print("ready", flush=True)
        sys.stdin.readline()
        files.release(file)
        print("released", flush=True)
        sys.stdin.readline()
"""

HOLD = """
    import h5py, sys
    file = h5py.File(sys.argv[1], sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_a_plain_reader_needs_no_flag(live: LiveFile) -> None:
    write_value(live.root, "x", 5)
    live.flush()
    assert run_python(READ, live.path) == "5"


@pytest.mark.parametrize("mode", ["r+", "a"])
def test_a_foreign_writer_is_refused(live: LiveFile, mode: str) -> None:
    live.flush()
    assert "unable to lock file" in run_python(WRITE, live.path, mode)


def test_a_reader_that_stays_hinders_nobody(files: OpenFiles, tmp_path: Path) -> None:
    file = files.acquire(tmp_path / "scan.h5", {})
    write_value(file.root, "x", 1)
    files.release(file)
    with running_python(HOLD, file.path, "r") as reader:
        file = files.acquire(tmp_path / "scan.h5", {})
        write_value(file.root, "x", 2)
        file.flush()
        assert run_python(READ, file.path) == "2"
        files.release(file)
        assert reader.poll() is None


def test_a_second_writer_of_ours_is_refused_with_the_name_of_the_first(live: LiveFile) -> None:
    message = run_python(OURS, live.path)
    assert f"(pid {os.getpid()})" in message
    assert "close it there" in message


def test_the_process_that_holds_a_file_is_named(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with running_python(OURS, path) as other:
        with pytest.raises(FileLocked, match=rf"python\S* \(pid {other.pid}\)") as caught:
            files.acquire(path, {})
        assert caught.value.holder is not None
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("close\n")
        other.stdin.flush()
        assert other.stdout.readline().strip() == "released"
        files.release(files.acquire(path, {}))


def test_a_foreign_writer_that_was_there_first_is_named(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with (
        running_python(HOLD, path, "r+") as other,
        pytest.raises(FileLocked, match=rf"\(pid {other.pid}\)"),
    ):
        files.acquire(path, {})
    files.release(files.acquire(path, {}))


def test_a_reader_is_not_taken_for_the_holder(live: LiveFile) -> None:
    live.flush()
    with running_python(HOLD, live.path, "r") as reader:
        assert f"pid {reader.pid}" not in run_python(OURS, live.path)


def test_the_lock_goes_with_a_killed_process(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with running_python(OURS, path) as other:
        other.kill()
        other.wait()
        files.release(files.acquire(path, {}))


def test_two_locks_of_one_process_exclude_each_other(live: LiveFile) -> None:
    with pytest.raises(FileLocked, match="this process"):
        WriterLock(live.path)


def test_no_file_no_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritable, match="No such file"):
        WriterLock(tmp_path / "missing.h5")
    with pytest.raises(FileNotWritable, match="Is a directory"):
        WriterLock(tmp_path)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    monkeypatch.setattr("nexus_writer.hdf5.locks._warned_devices", set())


@pytest.mark.usefixtures("no_locks")
def test_a_file_system_without_locks_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").touch()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            WriterLock(tmp_path / "a").release()
    assert len(caplog.records) == 1
    assert "no file locks" in caplog.text


@pytest.mark.usefixtures("no_locks")
def test_who_may_have_to_take_a_file_over_is_warned_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").touch()
    assert [warn_without_locks(tmp_path / "a") for _ in range(2)] == [False, False]
    assert ["no file locks" in record.message for record in caplog.records] == [True]


def test_asking_for_locks_takes_none(live: LiveFile, caplog: pytest.LogCaptureFixture) -> None:
    assert warn_without_locks(live.path)
    assert caplog.records == []
    with pytest.raises(FileNotFoundError):
        warn_without_locks(live.path.with_stem("missing"))


def test_who_has_to_have_a_lock_has_one(tmp_path: Path) -> None:
    files = OpenFiles()
    file = files.acquire(tmp_path / "a.h5", {}, locked=True)
    files.release(file)


@pytest.mark.usefixtures("no_locks")
def test_who_has_to_have_a_lock_opens_no_file_without(tmp_path: Path) -> None:
    files = OpenFiles()
    file = files.acquire(tmp_path / "a.h5", {})
    assert files.acquire(tmp_path / "a.h5", {}, locked=True) is file, "it is open here"
    files.release(file)
    files.release(file)
    with pytest.raises(FileNotLockable, match="cannot be locked"):
        files.acquire(tmp_path / "a.h5", {}, locked=True)
    assert len(files) == 0
