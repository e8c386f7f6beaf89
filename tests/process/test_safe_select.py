from __future__ import annotations

import os
import resource
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nexus_writer.process import MessagePipe, safe_select
from tests.waiting import allowed_s


@contextmanager
def pipes(count: int = 1) -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe() for _ in range(count)]
    try:
        yield made
    finally:
        for ends in made:
            for end in ends:
                os.close(end)


def test_its_answers_are_those_of_select() -> None:
    first, second = socket.socketpair()
    with first, second, pipes() as ((reader, writer),):
        lists = [first, second, reader], [first, writer], [first]
        assert safe_select(*lists, timeout=0) == select.select(*lists, 0)
        first.send(b"x")
        os.write(writer, b"x")
        second.send(b"x", socket.MSG_OOB)
        expected = select.select(*lists, 0)
        assert expected == ([first, second, reader], [first, writer], [first])
        assert safe_select(*lists, timeout=0) == expected
        assert safe_select([], [], [], 0) == ([], [], [])


def test_it_keeps_its_timeout_and_goes_on_after_a_signal() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pipes() as ((reader, _),):
            begun_s = time.monotonic()
            assert safe_select([reader], [], [], timeout=0.2) == ([], [], [])
            assert 0.2 <= time.monotonic() - begun_s < allowed_s(0.2)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard == [signal.SIGALRM]


def test_it_raises_for_what_is_closed() -> None:
    first, second = socket.socketpair()
    second.close()
    with first, pytest.raises(ValueError, match="closed"):
        safe_select([first, second], [], [])
    near, _ = MessagePipe.pair()
    descriptor = near.fileno()
    near.close()
    with pytest.raises(OSError):
        safe_select([near], [], [])
    with pytest.raises(OSError, match="Bad file"):
        safe_select([descriptor], [], [])


def test_it_works_above_1024_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3000:
        pytest.skip("this system allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    try:
        with pipes(600) as many:
            reader, writer = many[-1]
            assert reader > 1024
            os.write(writer, b"x")
            assert safe_select([end for end, _ in many], [], [], timeout=60)[0] == [reader]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
