"""What nobody could have published costs its channel, with a warning, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.pickles import dumps
from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, ScanSpec, timer
from nexus_writer.model.limits import MOST_WARNINGS
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter
from tests.data_room.by_hand import HandPublisher, add_entry
from tests.session_scans import COUNTERS, finished, reading

Maker = Callable[..., NexusSessionWriter]
GOOD = [0, 1, 2, 3, 4]


class Strange:
    """A scan with good channels, and one to which a test does something."""

    def __init__(self, client: redis.Redis, sample: DatasetPublisher) -> None:
        self.client = client
        self.scan: ScanPublisher = sample.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=5))
        self.scan.announce()
        self.scan.prepare()

    def channel(self, name: str = "strange", **info: Any) -> str:
        return HandPublisher(self.client).channel(f"{self.scan.key}:timer:ctl", name, **info)

    def saved(self, writer: NexusSessionWriter) -> FinishedScan:
        """The good channels come behind it."""
        self.scan["ctl:flag"].publish(np.arange(5))
        self.scan["ctl:diode"].publish(np.arange(5.0))
        self.scan.end()
        return finished(writer, self.scan.key)

    @property
    def path(self) -> Path:
        return Path(self.scan.filename)


@pytest.fixture
def strange(writer: NexusSessionWriter, redis_client: redis.Redis, sample: DatasetPublisher) -> Strange:
    return Strange(redis_client, sample)


@pytest.fixture
def writer(writer_with: Maker) -> NexusSessionWriter:
    return writer_with()


def warnings_in(file: Any) -> str:
    return "\n".join(file["1.1/writer/warnings"].asstr()[()])


@pytest.mark.parametrize("shape", [(10**9, 10**9), (10**400,), (1,) * 40])
def test_a_declared_shape(writer: NexusSessionWriter, strange: Strange, shape: tuple[int, ...]) -> None:
    """The points are what they are."""
    add_entry(strange.client, strange.channel(shape=shape), 0, 1, np.float64(7))
    strange.saved(writer)
    with reading(strange.path) as file:
        assert file["1.1/measurement/flag"][()].tolist() == GOOD
        assert file["1.1/measurement/strange"][()].tolist()[:1] == [7.0]


@pytest.mark.parametrize(("index", "why"), [(10**12, "is beyond"), (2**32 - 1, "is beyond")])
def test_an_index_that_no_dataset_has(
    writer: NexusSessionWriter, strange: Strange, index: int, why: str
) -> None:
    channel = strange.channel()
    add_entry(strange.client, channel, 0, 1, np.float64(7))
    add_entry(strange.client, channel, index, 1, np.float64(8))
    strange.saved(writer)
    with reading(strange.path) as file:
        assert why in warnings_in(file)
        assert file["1.1/measurement/flag"][()].tolist() == GOOD
        assert file["1.1/measurement/strange"][()].tolist() == [7.0]


def test_a_gap_that_is_too_long(writer: NexusSessionWriter, strange: Strange) -> None:
    channel = strange.channel()
    add_entry(strange.client, channel, 0, 1, np.float64(7))
    add_entry(strange.client, channel, 200_000_000, 1, np.float64(8))
    assert "points 1 to 199999999 never came" in strange.saved(writer).reason
    with reading(strange.path) as file:
        assert file["1.1/measurement/strange"][()].tolist() == [7.0]


def test_an_entry_in_front_of_the_first_point(writer: NexusSessionWriter, strange: Strange) -> None:
    strange.client.xadd(f"{strange.channel()}_data", _fields(), id="0-1")
    assert "it has no index" in strange.saved(writer).reason


def test_points_that_would_be_padded_to_gigabytes(writer: NexusSessionWriter, strange: Strange) -> None:
    channel = strange.channel(shape=(-1, -1))
    add_entry(strange.client, channel, 0, 1, np.ones((1, 20_000)))
    add_entry(strange.client, channel, 1, 1, np.ones((20_000, 1)))
    assert strange.saved(writer).state.name == "OFF"
    with reading(strange.path) as file:
        assert "each would need the shape (20000, 20000)" in warnings_in(file)
        assert file["1.1/measurement/strange"].shape == (1, 1, 20_000)
        assert file["1.1/measurement/strange_from_1"].shape == (1, 20_000, 1)
        assert file["1.1/measurement/flag"][()].tolist() == GOOD


def test_a_name_that_is_too_long(writer: NexusSessionWriter, strange: Strange) -> None:
    strange.channel("n" * 300)
    strange.saved(writer)
    with reading(strange.path) as file:
        assert "has a name of 300 characters" in warnings_in(file)
        assert file["1.1/measurement/flag"][()].tolist() == GOOD


@pytest.mark.parametrize("fullname", ["n" * 300, "ctl:a\nERROR", 3])
def test_a_full_name_that_is_none(writer: NexusSessionWriter, strange: Strange, fullname: object) -> None:
    add_entry(strange.client, strange.channel(fullname=fullname), 0, 1, np.float64(7))
    assert strange.saved(writer).state.name == "OFF"
    with reading(strange.path) as file:
        assert file["1.1/measurement/strange"].attrs["fullname"] == "strange"


def test_a_full_name_that_another_channel_has(writer: NexusSessionWriter, strange: Strange) -> None:
    """It comes first, with other points: the one that was announced first keeps its place all the same."""
    add_entry(strange.client, strange.channel(fullname="ctl:flag"), 0, 1, np.arange(3.0))
    assert strange.saved(writer).state.name == "OFF"
    with reading(strange.path) as file:
        assert file["1.1/measurement/flag"][()].tolist() == GOOD
        assert file["1.1/measurement/timer_ctl_strange"][()].tolist() == [[0.0, 1.0, 2.0]]
        assert (
            "two channels are called ctl:flag: the second one is saved as timer:ctl:strange"
            in warnings_in(file)
        )


def test_more_channels_than_a_scan_can_have(
    writer: NexusSessionWriter, strange: Strange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.channel_feeds.MOST_CHANNELS", 4)
    for name in ("third", "fourth", "fifth"):
        add_entry(strange.client, strange.channel(name), 0, 1, np.float64(7))
    strange.saved(writer)
    with reading(strange.path) as file:
        assert "more than 4 channels: the others are not saved" in warnings_in(file)
        assert file["1.1/measurement/flag"][()].tolist() == GOOD
        assert "fifth" not in file["1.1/measurement"]


def test_warnings_by_the_thousand(writer: NexusSessionWriter, strange: Strange) -> None:
    """Of channels that cannot be decoded."""
    for number in range(MOST_WARNINGS + 200):
        channel = strange.channel(f"strange{number}")
        strange.client.xadd(f"{channel}_data", _fields(), id="0-1")
    assert strange.saved(writer).done()
    with reading(strange.path) as file:
        kept = warnings_in(file).splitlines()
        assert len(kept) == MOST_WARNINGS + 1
        assert kept[-1] == f"more than {MOST_WARNINGS} warnings: the others are not kept"
        assert file["1.1/measurement/flag"][()].tolist() == GOOD


def _fields() -> dict[str, Any]:
    description = dumps({"dtype": float, "shape": (), "unit": None, "reference": False})
    return {
        "__EVENT__": "CHANNELDATA",
        "__DESC__": description,
        "__NPOINTS__": 1,
        "__DATA__": dumps(np.float64(1)),
    }
