"""Changes that are made as a whole, whoever is killed."""

from __future__ import annotations

import errno
import logging
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_writer.hdf5 import committer
from nexus_writer.hdf5.committer import commit
from tests.descriptors import descriptors
from tests.waiting import wait_until

from .processes import run_python, running_python

RUNS = [(0, b"a" * 5000), (20_000, b"b" * 3), (30_000, b"c" * 10_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(50_000))
    return path


@pytest.fixture
def descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def changed(runs: list[tuple[int, bytes]], length: int = 50_000) -> bytes:
    content = bytearray(length)
    for address, data in runs:
        content[address : address + len(data)] = data
    return bytes(content)


def process_id() -> int:
    process = committer._committer._process
    assert process is not None
    return process.pid


def test_all_runs_are_written(descriptor: int, path: Path) -> None:
    commit(descriptor, RUNS)
    assert path.read_bytes() == changed(RUNS)


def test_large_ones_too(descriptor: int, path: Path) -> None:
    runs = [(100, os.urandom(40 * 2**20)), (41 * 2**20, b"end")]
    commit(descriptor, runs)
    assert path.read_bytes() == changed(runs, 41 * 2**20 + 3)
    commit(descriptor, RUNS)
    assert path.read_bytes() == changed([*runs, *RUNS], 41 * 2**20 + 3)


def test_an_error_is_that_of_the_system(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            commit(descriptor, RUNS)
    finally:
        os.close(descriptor)
    assert path.read_bytes() == bytes(50_000)


def test_without_the_process_they_are_written_all_the_same(
    descriptor: int, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next ones by a new process."""
    monkeypatch.setattr(committer._committer, "_told", False)
    commit(descriptor, RUNS[:1])
    killed = process_id()
    os.kill(killed, signal.SIGKILL)
    with caplog.at_level(logging.WARNING):
        commit(descriptor, RUNS[1:])
    assert path.read_bytes() == changed(RUNS)
    assert "without the help of a second process" in caplog.text
    commit(descriptor, [(7, b"again")])
    assert path.read_bytes() == changed([*RUNS, (7, b"again")])
    assert process_id() != killed


def test_it_ignores_what_ends_its_owner_from_a_terminal_or_service_manager(descriptor: int) -> None:
    commit(descriptor, RUNS)
    pid = process_id()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    commit(descriptor, RUNS)
    assert process_id() == pid


def test_an_error_anywhere_leaves_what_was_there(descriptor: int, path: Path) -> None:
    """A limit of the size of files stands for a quota or a disk: runs behind it fail, one that reaches
    beyond it after a part of it was written."""
    runs = [(number * 9000, bytes([65 + number]) * 5000) for number in range(5)]
    path.write_bytes(before := bytes(range(250)) * 200)
    commit(descriptor, [(0, before[:5000]), (9000, before[9000:9001])])
    limits = [edge for address, data in runs for edge in (address, address + 1, address + len(data) - 1)]
    for limit in limits:
        resource.prlimit(process_id(), resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            commit(descriptor, runs)
        assert path.read_bytes() == before, limit
    resource.prlimit(process_id(), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    commit(descriptor, runs)
    assert path.read_bytes()[36_000:41_000] == b"E" * 5000


def test_without_the_process_an_error_leaves_what_was_there_too(path: Path) -> None:
    code = """
        import os, resource, sys
        from nexus_writer.hdf5 import committer
        sys.executable = ""
        descriptor = os.open(sys.argv[1], os.O_RDWR)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        try:
            committer.commit(descriptor, [(0, b"x" * 5000), (9000, b"x" * 5000)])
        except OSError as error:
            print(error.strerror)
    """
    assert run_python(code, path) == os.strerror(errno.EFBIG)
    assert path.read_bytes() == bytes(50_000)


def test_a_commit_that_was_interrupted_does_not_answer_for_the_next(descriptor: int, path: Path) -> None:
    """What it had handed over is in the file all the same."""
    commit(descriptor, RUNS)
    pid = process_id()
    large = [(50_000, os.urandom(60 * 2**20))]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    os.kill(pid, signal.SIGSTOP)
    goes_on = threading.Timer(0.5, os.kill, (pid, signal.SIGCONT))
    goes_on.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            commit(descriptor, [(7, b"first")])
        goes_on.join()
        wait_until(lambda: path.read_bytes()[7:12] == b"first", "the first commit is in the file")
        commit(descriptor, large)
        assert path.read_bytes() == changed([*RUNS, (7, b"first"), *large], 50_000 + 60 * 2**20)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_where_no_process_can_be_started_no_descriptor_is_left(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer._committer.end()
    before = descriptors()
    monkeypatch.setattr(sys, "executable", "/is/not/there")
    for _ in range(5):
        commit(descriptor, RUNS)
    assert descriptors() <= before


def test_a_process_forked_during_a_commit_ends(path: Path) -> None:
    """And can commit: the thread that held the lock is not there."""
    code = """
        import os, signal, sys, threading, time
        from nexus_writer.hdf5 import committer
        descriptor = os.open(sys.argv[1], os.O_RDWR)
        committer.commit(descriptor, [(0, b"x"), (9000, b"x")])
        helper = committer._committer._process.pid
        os.kill(helper, signal.SIGSTOP)
        thread = threading.Thread(target=committer.commit, args=(descriptor, [(0, b"y"), (9000, b"y")]))
        thread.start()
        while not committer._committer._lock.locked():
            time.sleep(0.001)
        child = os.fork()
        if not child:
            signal.alarm(20)
            if "commits" in sys.argv:
                committer.commit(descriptor, [(1, b"z"), (9001, b"z")])
            sys.exit()
        status = os.waitpid(child, 0)[1]
        os.kill(helper, signal.SIGCONT)
        thread.join()
        assert status == 0, status
        print(os.pread(descriptor, 2, 9000).decode().strip(chr(0)))
    """
    assert run_python(code, path) == "y"
    assert run_python(code, path, "commits") == "yz"


VICTIM = """
    import os, sys
    from nexus_writer.hdf5 import committer
    from nexus_writer.hdf5 import _commit_process as program
    path, what = sys.argv[1:]
    descriptor = os.open(path, os.O_RDWR)
    committer.commit(descriptor, [(0, b"x" * 5000), (9000, b"x" * 5000)])
    print("ready", flush=True)
    print(committer._committer._process.pid, flush=True)
    sys.stdin.readline()
    if what == "before":
        committer.socket.send_fds = lambda *_: os.kill(os.getpid(), 9)
    if what == "after":
        send = committer.socket.send_fds
        committer.socket.send_fds = lambda *a: (send(*a), os.kill(os.getpid(), 9))
    committer.commit(descriptor, [(0, b"y" * 5000), (9000, b"y" * 5000)])
"""


@pytest.mark.parametrize(("moment", "letter"), [("before", b"x"), ("after", b"y"), ("never", b"y")])
def test_a_kill_leaves_all_or_nothing(tmp_path: Path, moment: str, letter: bytes) -> None:
    """And the other process ends."""
    path = tmp_path / "file"
    path.write_bytes(bytes(14_000))
    with running_python(VICTIM, path, moment) as victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        pid = int(victim.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # so that it is slower than the kill
        victim.stdin.write("go\n")
        victim.stdin.flush()
        if moment != "never":
            assert victim.wait(60) == -signal.SIGKILL
        assert path.read_bytes()[:5000] == b"x" * 5000
        os.kill(pid, signal.SIGCONT)
        victim.wait(60)
        wait_until(lambda: not Path(f"/proc/{pid}/fd").exists() or _is_dead(pid), "it ends")
    content = path.read_bytes()
    assert content[:5000] == content[9000:] == letter * 5000


def test_it_ends_in_silence_when_its_owner_dies_before_it_hears_the_reply(descriptor: int) -> None:
    commit(descriptor, RUNS)
    program = [sys.executable, "-I", "-S", committer.program.__file__]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    memory = os.memfd_create("changes", 0)
    os.pwrite(memory, committer.program.COUNT.pack(0), 0)
    numbers = [str(theirs.fileno()), str(memory)]
    process = subprocess.Popen(
        [*program, *numbers], pass_fds=(theirs.fileno(), memory), stderr=subprocess.PIPE
    )
    theirs.close()
    os.close(memory)
    socket.send_fds(ours, [committer.program.MESSAGE.pack(1)], [descriptor])
    assert select.select([ours], [], [], 20)[0]  # the reply is there, and nobody reads it
    ours.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


def _is_dead(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_a_process_with_an_open_file_ends_well(tmp_path: Path) -> None:
    """What HDF5 holds is closed while there is a Python to write it, and nothing is lost."""
    code = """
        import sys
        from nexus_writer.hdf5 import OpenFiles, write_value
        file = OpenFiles().acquire(sys.argv[1], {})
        write_value(file.root, "x", 5)
    """
    look = "import h5py, sys; print(h5py.File(sys.argv[1])['x'][()])"
    run_python(code, tmp_path / "scan.h5")
    assert run_python(look, tmp_path / "scan.h5") == "5"
