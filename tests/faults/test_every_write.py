"""A kill before any single write of a typical scan: the file opens, and everything in it can be read."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, timer
from nexus_writer.hdf5 import SCHEMES
from tests.faults.kept import Published, read_item
from tests.faults.write_trace import WriteTrace
from tests.integration.cut_scans import Writing

pytestmark = pytest.mark.fault("SIGKILL of the writer between any two writes")
POINTS = 60
SPECTRUM = 700
DIODES = tuple(ChannelSpec(f"diode{n}", np.float64, unit="V") for n in range(18))
DEVICES = DeviceSpec(
    "ctl", (*DIODES, ChannelSpec("flag", np.int32), ChannelSpec("spectrum", np.uint32, (SPECTRUM,)))
)
COMPRESSED = {"chunk_nbytes": 36_000, "chunk_split": 1, "compression_limit_nbytes": 0}
"""Spectra have chunks of 13 points, which are compressed in threads; the last one never gets full."""
SPLIT = {"chunk_nbytes": 4000, "chunk_split": 4, "compression_scheme": "none"}
"""Each spectrum lies in 4 chunks, which hold 6 of them and are written past HDF5."""
STORED = {"as it is": {}, "split": SPLIT} | {
    scheme: COMPRESSED | {"compression_scheme": scheme} for scheme in SCHEMES if scheme != "none"
}
SHORT = (
    ("as it is", "new file"),
    ("as it is", "resumed"),
    ("split", "new file"),
    ("gzip-byteshuffle", "new file"),
)
MOST_LOOKED_AT = 40


def values(scan: int, name: str) -> Any:
    """What a channel holds."""
    index = np.arange(POINTS)
    if name == "spectrum":
        return (index[:, None] * 1000 + np.arange(SPECTRUM) + scan).astype(np.uint32)
    if name == "flag":
        return (index * 7 + scan).astype(np.int32)
    return index * np.pi + scan + int(name.removeprefix("diode"))


class Scans:
    """Published in Redis from their first to their last point."""

    def __init__(
        self, client: redis.Redis, root: Path, numbers: Iterable[int], chunks: dict[str, Any]
    ) -> None:
        self.scans: list[Published] = []
        dataset = SessionPublisher(client, "traced").dataset(root, "hg123", "sample")
        dataset.writer_options["chunk_options"] = chunks
        for _ in numbers:
            spec = ScanSpec("loopscan", (timer(DEVICES),), title="loopscan", npoints=POINTS)
            with dataset.scan(spec) as scan:
                number = scan.info["scan_nb"]
                self.scans.append(Published(scan.key, Path(scan.filename), number, POINTS))
                scan.prepare()
                for point in range(POINTS):
                    for channel in DEVICES.channels:
                        scan[f"ctl:{channel.name}"].publish(values(number, channel.name)[point : point + 1])
                    scan.flush()


def read_all(path: Path) -> int:
    """Everything that is in a file, held against what it should be; the committed points of all channels."""
    committed = 0
    with h5py.File(path) as file:
        for name, entry in file.items():
            read_item(name, entry)
            entry.visititems(read_item)
            number = int(name.partition(".")[0])
            report = entry["writer/points"]
            for channel, points in zip(report["channel"].asstr()[()], report["committed"][()], strict=False):
                if points and channel.startswith("ctl:"):
                    saved = entry[f"measurement/{channel[4:]}"][:points]
                    expected = values(number, channel[4:])[:points]
                    assert saved.tobytes() == expected.tobytes(), (name, channel)
                committed += points
    return committed


def look(trace: WriteTrace, copy: Path, chosen: set[int] | None) -> list[str]:
    """What is wrong with the states of a file, one line for each that is not sound."""
    failures, before = [], 0
    for number in trace.states(copy):
        if chosen is None or number in chosen:
            try:
                committed = read_all(copy)
            except Exception as error:
                failures.append(f"state {number}: {type(error).__name__}: {error}")
            else:
                assert committed >= before
                before = committed
    return failures


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("stored", "begin"),
    [
        pytest.param(*case, marks=[] if case in SHORT else pytest.mark.full)
        for case in itertools.product(STORED, ("new file", "resumed"))
    ],
)
def test_every_state_of_the_file_can_be_read(
    stored: str,
    begin: str,
    redis_client: redis.Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    record_property: Callable[[str, object], None],
) -> None:
    """Two scans in one file: created, appended to, finished; or the first gone on with before."""
    root, copy = tmp_path / "data", tmp_path / "state.h5"
    scans = Scans(redis_client, root, range(2), STORED[stored])
    path = scans.scans[0].path
    if begin == "resumed":
        killed = tmp_path / "killed"
        Writing(redis_client, root, cut=15, copy=killed).write(scans)
        shutil.rmtree(root)
        shutil.copytree(killed, root)
    trace = WriteTrace(path)
    with monkeypatch.context() as patch:
        trace.begin(patch)
        Writing(redis_client, root).write(scans)
    numbers = list(trace.states(copy))
    assert copy.read_bytes() == path.read_bytes(), "the trace is not complete"
    assert read_all(copy) >= 2 * len(DEVICES.channels) * POINTS
    seed = random.randrange(2**32)
    print(f"{len(numbers)} states, {len(trace.changes)} changes; seed {seed}")
    chosen = None if full else set(random.Random(seed).sample(numbers, MOST_LOOKED_AT))
    record_property("times", len(numbers if chosen is None else chosen))
    assert look(trace, copy, chosen) == []
