"""Scans whose every point is known, and files held against them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  what is read may be compressed in any way
import numpy as np
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    timer,
)
from tests.manifests import assert_as_written

COUNTERS = DeviceSpec(
    "ctl",
    (
        ChannelSpec("diode", np.float64, unit="V"),
        ChannelSpec("flag", np.int32),
        ChannelSpec("spectrum", np.uint32, (48,)),
    ),
)


UNPUBLISHED = ("timer:elapsed_time", "timer:epoch")
"""Channels that are announced, and no point of them comes."""


def expected(scan: int, points: int) -> dict[str, Any]:
    """What the channels of scan number ``scan`` hold; no two points of any scans are alike."""
    index = np.arange(points, dtype=np.float64)
    flag = (np.arange(points) * 7 + scan).astype(np.int32)
    spectrum = (np.arange(points)[:, None] * 1000 + np.arange(48) + scan).astype(np.uint32)
    return {"diode": index * np.pi + scan, "flag": flag, "spectrum": spectrum}


@dataclass
class Published:
    """A scan that is being published, and how many of its points are."""

    key: str
    path: Path
    number: int
    points: int = 0

    @property
    def entry(self) -> str:
        return f"{self.number}.1"


@dataclass
class Beamline:
    """Publishes scans in a thread of its own, each behind the last, a point every ``period_s``."""

    client: redis.Redis
    dataset: DatasetPublisher
    period_s: float = 0.002
    scans: list[Published] = field(default_factory=list)
    failure: BaseException | None = None

    @classmethod
    def at(cls, url: str, session: str, root: Path, **options: Any) -> Beamline:
        client = redis.Redis.from_url(url, protocol=2)
        return cls(client, SessionPublisher(client, session).dataset(root, "hg123", "sample"), **options)

    def run(self, lengths: list[int]) -> threading.Thread:
        """Scans of so many points, published from now on."""
        thread = threading.Thread(target=self._run, args=(lengths,), daemon=True)
        thread.start()
        return thread

    def _run(self, lengths: list[int]) -> None:
        try:
            for length in lengths:
                self.scan(length)
        except BaseException as error:
            self.failure = error

    def flush(self, scan: ScanPublisher) -> None:
        """Send what is pending."""
        scan.flush()

    def scan(self, length: int) -> Published:
        """Some points come one by one, some several at once."""
        spec = ScanSpec("loopscan", (timer(COUNTERS),), title=f"loopscan {length}", npoints=length)
        with self.dataset.scan(spec) as scan:
            number = scan.info["scan_nb"]
            published = Published(scan.key, Path(scan.filename), number)
            self.scans.append(published)
            scan.prepare()
            values = expected(number, length)
            start = 0
            while start < length:
                stop = min(length, start + (1 if start % 3 else 5))
                for name, points in values.items():
                    scan[f"ctl:{name}"].publish(points[start:stop])
                self.flush(scan)
                took_s, published.points, start = self.period_s * (stop - start), stop, stop
                time.sleep(took_s)
        return published


def committed(published: Published) -> int:
    """Points of all channels that its entry counts, where that can be read now; else 0."""
    try:
        with h5py.File(published.path) as file:
            return int(file[published.entry]["writer/points/committed"][()].sum())
    except (OSError, KeyError, RuntimeError):
        return 0


def walk(root: Path) -> None:
    """Open every file as any program would and read everything in it."""
    for path in sorted(root.rglob("*.h5")):
        with h5py.File(path) as file:
            for name in file:
                if isinstance(file.get(name, getlink=True), h5py.HardLink):
                    file[name].visititems(read_item)


def read_item(_: str, item: Any) -> None:
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        item[()]


def assert_complete(published: Published, warned_of: str = "\0") -> None:
    """Every point is there, once, and bit-equal, and the file says so. Only ``warned_of`` is warned of."""
    with h5py.File(published.path) as file:
        entry = file[published.entry]
        warnings = entry["writer/warnings"].asstr()[()].tolist() if "warnings" in entry["writer"] else []
        assert entry["writer/status"].asstr()[()] == "SUCCEEDED", warnings
        assert entry["end_reason"].asstr()[()] == "SUCCESS"
        assert all(warned_of in warning for warning in warnings), warnings
        for name, values in expected(published.number, published.points).items():
            saved = entry[f"measurement/{name}"][()]
            assert saved.dtype == values.dtype
            assert saved.shape == values.shape, (published.entry, name)
            assert saved.tobytes() == values.tobytes(), (published.entry, name)
        names = entry["writer/points/channel"].asstr()[()].tolist()
        counts = list(zip(names, entry["writer/points/committed"][()].tolist(), strict=True))
        published_of = {f"ctl:{name}": published.points for name in expected(published.number, 0)}
        assert sorted(counts) == sorted((dict.fromkeys(UNPUBLISHED, 0) | published_of).items()), counts
        assert_as_written(entry)
        left = [name for name in file if "unfinished" in name]
        assert left == []
