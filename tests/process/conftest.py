"""Each test runs under a time limit, and leaves no child, thread, descriptor or shared memory behind."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import pytest

from tests.process.traces import Traces, semaphore_prefix


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    limit_s = 600 if config.getoption("--full") else 300
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(limit_s))


@pytest.fixture(scope="session", autouse=True)
def servers_of_multiprocessing() -> None:
    """These run from their first use to the end of the program."""
    multiprocessing.current_process()._config["semprefix"] = semaphore_prefix()  # type: ignore[attr-defined]
    resource_tracker.ensure_running()
    multiprocessing.get_context("forkserver").Process(target=int).start()
    forkserver.ensure_running()
    for child in multiprocessing.active_children():
        child.join()


@pytest.fixture(autouse=True)
def nothing_left(servers_of_multiprocessing: None) -> Iterator[None]:
    before = Traces.now()
    yield
    deadline = time.monotonic() + 10
    while (left := Traces.now().beyond(before)) and time.monotonic() < deadline:
        time.sleep(0.02)
        gc.collect()
    assert not left


@pytest.fixture(params=["fork", "forkserver", "spawn"])
def start_method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def started() -> Iterator[Callable[..., Any]]:
    """``started(process)`` starts it, and it is stopped after the test."""
    processes = []

    def start(process: Any, **kwargs: Any) -> Any:
        processes.append(process)
        process.start(**kwargs)
        return process

    yield start
    for process in processes:
        process.stop(timeout=5)
    processes.clear()


@pytest.fixture
def record_path(tmp_path: Path) -> Path:
    """Where a backend writes what it did, line by line."""
    return tmp_path / "record"
