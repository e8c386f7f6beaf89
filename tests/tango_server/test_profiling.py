"""Profiles of the whole process while scans run."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from tango_server.profiling import Kind, ResourceProfiling, ScanProfiling

from .servers import wait_until


def burn(ended: threading.Event) -> None:
    while not ended.is_set():
        sum(range(1000))


def wait_here(ended: threading.Event) -> None:
    ended.wait()


@pytest.mark.parametrize("mode", list(ResourceProfiling)[1:])
def test_labels_name_what_and_how_many(mode: ResourceProfiling) -> None:
    assert mode.name == f"{mode.kind.name}{mode.lines}"


def report_of(mode: ResourceProfiling, caplog: pytest.LogCaptureFixture) -> str:
    """Of a time in which one thread computes and another waits."""
    profiling = ScanProfiling()
    profiling.wanted = mode
    ended = threading.Event()
    threads = [threading.Thread(target=work, args=(ended,), name=work.__name__) for work in (burn, wait_here)]
    for thread in threads:
        thread.start()
    try:
        profiling.follow(1)
        time.sleep(0.5)  # what is profiled is time itself
    finally:
        ended.set()
    for thread in threads:
        thread.join()
    with caplog.at_level(logging.WARNING):
        profiling.follow(0)
    return caplog.text


def test_cpu_blames_the_thread_that_computes(caplog: pytest.LogCaptureFixture) -> None:
    report = report_of(ResourceProfiling.CPU30, caplog)
    assert f"CPU30: {Kind.CPU.value}" in report
    assert "burn: burn (test_profiling.py:" in report
    assert "wait_here:" not in report


def test_wall_also_blames_the_one_that_waits(caplog: pytest.LogCaptureFixture) -> None:
    assert "wait_here: " in report_of(ResourceProfiling.WALL30, caplog)


def test_memory_is_reported_by_line(caplog: pytest.LogCaptureFixture) -> None:
    profiling = ScanProfiling()
    profiling.wanted = ResourceProfiling.MEM30
    profiling.follow(1)
    kept = [bytes(1000) for _ in range(1000)]
    with caplog.at_level(logging.WARNING):
        profiling.follow(0)
    assert len(kept) == 1000
    assert "test_profiling.py" in caplog.text
    assert 2 <= len(caplog.text.splitlines()) <= 31


def profilers() -> list[threading.Thread]:
    """Threads that look at what costs time."""
    return [thread for thread in threading.enumerate() if thread.name == "profiler"]


def test_only_scans_that_start_later_are_profiled(caplog: pytest.LogCaptureFixture) -> None:
    profiling = ScanProfiling()
    profiling.follow(1)
    profiling.wanted = ResourceProfiling.WALL30
    profiling.follow(1)
    assert not profilers()
    profiling.follow(2)
    wait_until(profilers, "profiler")
    profiling.follow(1)
    assert not caplog.records
    assert len(profilers()) == 1
    profiling.follow(0)
    assert "WALL30" in caplog.text
    assert not profilers()
