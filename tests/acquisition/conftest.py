"""Each test runs under a time limit, and leaves no child, thread or shared memory behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_writer.acquisition import InputStream, OutputStream
from nexus_writer.acquisition.shared_mem import FOLDER, PREFIX

Connect = Callable[..., tuple[OutputStream, InputStream]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(300))


def traces() -> set[object]:
    """Of this process: other workers of the same run have their own."""
    memory = FOLDER.glob(f"{PREFIX}{os.getpid()}_*")
    return {*threading.enumerate(), *multiprocessing.active_children(), *memory}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = traces()
    yield
    deadline = time.monotonic() + 10
    while (left := traces() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
        gc.collect()
    assert not left


@pytest.fixture
def connected_by() -> Iterator[Connect]:
    """An output that is configured as it is said, and an input that is connected to it."""
    streams: list[OutputStream | InputStream] = []

    def connect(**params: Any) -> tuple[OutputStream, InputStream]:
        output, inp = OutputStream(), InputStream()
        streams.extend((inp, output))
        output.configure(**params)
        inp.connect(output)
        return output, inp

    yield connect
    for stream in streams:
        stream.close()
