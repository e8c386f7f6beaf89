from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from nexus_writer.process import BackendDied, SyncIndex
from tests.process.programs import SyncProcess
from tests.waiting import allowed_s

Start = Callable[..., Any]
ALL_FREE = "<EventGroup: f0 f1 f2>"


def test_the_end_of_the_block_waits_for_the_backend(started: Start, start_method: str) -> None:
    process = started(SyncProcess(start_method=start_method), wait=True)
    begun_s = time.monotonic()
    process.ask("set", delay_s=0.3)
    assert time.monotonic() - begun_s >= 0.3
    assert str(process.event_group) == ALL_FREE
    for _ in range(100):
        process.ask("set")
    assert str(process.event_group) == ALL_FREE


def test_an_exception_of_the_block_passes_at_once(started: Start) -> None:
    process = started(SyncProcess())
    begun_s = time.monotonic()
    with pytest.raises(KeyError), SyncIndex(process.event_group):
        raise KeyError
    assert time.monotonic() - begun_s < allowed_s(0.2)
    assert str(process.event_group) == ALL_FREE


def test_an_exception_of_the_backend_is_raised(started: Start, start_method: str) -> None:
    process = started(SyncProcess(start_method=start_method), wait=True)
    begun_s = time.monotonic()
    with pytest.raises(LookupError, match="no event"):
        process.ask("fail")
    assert time.monotonic() - begun_s < allowed_s(0.2)
    assert str(process.event_group) == ALL_FREE
    process.ask("set")


def test_the_death_of_the_backend_is_raised(start_method: str) -> None:
    process = SyncProcess(start_method=start_method)
    process.start(wait=True)
    begun_s = time.monotonic()
    with pytest.raises(BackendDied):
        process.ask("kill")
    assert time.monotonic() - begun_s < allowed_s(0.2)
    assert str(process.event_group) == ALL_FREE
    process.stop()
