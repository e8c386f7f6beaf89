"""The disk refuses any single read, write or sync of a scan, once: nothing wrong is in the file then, and the
scan goes on by itself until it is complete."""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer.concurrency import Event
from nexus_writer.data.connection import connect
from nexus_writer.data.unread import Unread
from nexus_writer.subscribers import lasting
from nexus_writer.subscribers.lasting import LastingWrites, Voice
from nexus_writer.subscribers.patience import FileWait
from nexus_writer.subscribers.scan_consumer import ScanConsumer
from tests.faults.refusals import Refusal
from tests.faults.test_every_write import STORED, Scans, read_all
from tests.integration.cut_scans import Writing
from tests.layout.test_no_garbage import ours_among_garbage
from tests.manifests import assert_as_written

pytestmark = pytest.mark.fault("a disk that refuses any single call")
TRIED, TRIED_IN_FULL = 8, 150


class LastingWriting(Writing):
    """Each step is tried again as a writer does it. There is space again at once."""

    def _open(self, consumer: ScanConsumer) -> None:
        url = self.client.connection_pool.connection_kwargs
        address = f"redis://{url['host']}:{url['port']}/{url['db']}"
        self._lasting = LastingWrites(
            consumer,
            self._files,
            lambda: None,
            Voice(lambda: "", lambda text, level: None),
            Event(),
            lambda: None,
            FileWait(self._options.patience, Unread, lambda: False),
            lambda **options: connect(address, **options),
        )

        self._lasting.open()

    def _do(self, write: Callable[[], None], *, again: bool = False) -> None:
        self._lasting.do(write, again=again)

    def _finish(self, consumer: ScanConsumer) -> None:
        self._do(lambda: self._end(consumer), again=True)

    def _end(self, consumer: ScanConsumer) -> None:
        consumer.finish(None, sync=self._lasting.sync)


def what_is_wrong(path: Path) -> list[str]:
    """With a file that should have all of two scans."""
    with h5py.File(path) as file:
        if sorted(file) != ["1.1", "2.1"]:
            return [f"it has {sorted(file)}"]
        for entry in file.values():
            assert_as_written(entry)
            if (status := entry["writer/status"].asstr()[()]) != "SUCCEEDED":
                return [f"{entry.name}: {status}"]
            if "warnings" in entry["writer"]:
                return entry["writer/warnings"].asstr()[()].tolist()
    return []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("stored", ["as it is", "split", "gzip-byteshuffle"])
def test_the_scan_goes_on(
    stored: str,
    redis_client: redis.Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    record_property: Callable[[str, object], None],
) -> None:
    root, copy = tmp_path / "data", tmp_path / "state.h5"
    scans = Scans(redis_client, root, range(2), STORED[stored])
    path = scans.scans[0].path
    monkeypatch.setattr(lasting, "LOOK_EVERY_S", 0.001)
    committed = 0

    def tried(number: int) -> Refusal:
        refusal = Refusal(path, number, lambda: shutil.copy(path, copy))
        with monkeypatch.context() as patch:
            refusal.begin(patch)
            LastingWriting(redis_client, root).write(scans)
        return refusal

    calls = tried(0).calls
    committed = read_all(path)
    shutil.rmtree(root)
    seed = random.randrange(2**32)
    numbers = random.Random(seed).sample(range(1, calls + 1), TRIED_IN_FULL if full else TRIED)
    print(f"{calls} calls; seed {seed}")
    record_property("times", len(numbers))
    failures = []
    for number in numbers:
        refusal = tried(number)
        try:
            if copy.stat().st_size:
                read_all(copy)
            assert read_all(path) == committed
            failures += [f"{number}, {refusal.what}: {text}" for text in what_is_wrong(path)]
        except Exception as error:
            failures.append(f"{number}, {refusal.what}: {type(error).__name__}: {error}")
        shutil.rmtree(root)
        copy.unlink()
    assert failures == []


def test_nothing_is_kept_of_what_was_refused(
    redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects of HDF5 among it; a server's collector comes late, or never."""
    scans = Scans(redis_client, tmp_path, range(1), {})
    monkeypatch.setattr(lasting, "LOOK_EVERY_S", 0.001)
    refusal = Refusal(scans.scans[0].path, 200, lambda: None)
    gc.collect()
    gc.disable()
    try:
        with monkeypatch.context() as patch:
            refusal.begin(patch)
            LastingWriting(redis_client, tmp_path).write(scans)
        assert refusal.what
        assert ours_among_garbage() == []
    finally:
        gc.enable()
