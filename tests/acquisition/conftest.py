"""Each test runs under a time limit, and leaves no child, thread or shared memory behind."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_writer.acquisition.shared_mem import FOLDER, PREFIX


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(60))


def traces() -> set[object]:
    gc.collect()
    return {*threading.enumerate(), *multiprocessing.active_children(), *FOLDER.glob(PREFIX + "*")}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = traces()
    yield
    deadline = time.monotonic() + 3
    while (left := traces() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left
