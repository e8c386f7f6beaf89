"""Every type of data, published as BLISS does and saved by the whole writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import (
    ChannelPublisher,
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    timer,
)
from nexus_writer.subscribers import FinishedScan, SubscriberState
from tests.integration.published import save_scan

NPOINTS = 4

NUMBERS = {
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    **{name: np.dtype(name) for name in ("int8", "int16", "int32", "int64")},
    **{name: np.dtype(name) for name in ("uint8", "uint16", "uint32", "uint64")},
    **{name: np.dtype(name) for name in ("float16", "float32", "float64", "complex64", "complex128")},
    "class_f4": np.float32,
    "class_u2": np.uint16,
    "big_i2": ">i2",
    "big_u4": ">u4",
    "big_f8": ">f8",
    "big_c8": np.dtype(">c8"),
    "little": "<i4",
}
TEXTS = {"str": str, "U10": "U10", "S10": "S10", "object": object}
FLAGS = [True, False, True, True]


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    return SessionPublisher(redis_client, "types").dataset(tmp_path, "hg123", "sample")


def save(
    redis_url: str,
    dataset: DatasetPublisher,
    channels: list[ChannelSpec],
    publish: Callable[[ScanPublisher], None],
) -> FinishedScan:
    spec = ScanSpec("loopscan", (timer(DeviceSpec("d", tuple(channels))),), npoints=NPOINTS)
    return save_scan(redis_url, dataset, spec, publish)


def saved(scan: FinishedScan) -> dict[str, tuple[Any, Any]]:
    """(dtype, values) of each dataset that measurement links, and status and warnings of the writing."""
    with h5py.File(scan.filename) as file:
        entry = file["1.1"]
        found: dict[str, tuple[Any, Any]] = {}
        for name, item in entry["measurement"].items():
            values = item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]
            found[name] = (item.dtype, values)
        found["status"] = (entry["writer/status"][()].decode(), None)
        found["warnings"] = (list(entry["writer"].get("warnings", ())), None)
    return found


@pytest.mark.parametrize("blocks", [(1, 1, 1, 1), (4,), (1, 3), (3, 1)])
def test_numbers(redis_url: str, dataset: DatasetPublisher, blocks: tuple[int, ...]) -> None:
    values = {name: _values(np.dtype(dtype)) for name, dtype in NUMBERS.items()}

    def publish(scan: ScanPublisher) -> None:
        start = 0
        for count in blocks:
            for name, array in values.items():
                scan[f"d:{name}"].publish(array[start] if count == 1 else array[start : start + count])
            scan.flush()
            start += count

    scan = save(redis_url, dataset, [ChannelSpec(name, dtype) for name, dtype in NUMBERS.items()], publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    found = saved(scan)
    assert found["status"][0] == "SUCCEEDED"
    for name, dtype in NUMBERS.items():
        assert found[name][0] == np.dtype(dtype), name
        np.testing.assert_array_equal(found[name][1], values[name], err_msg=name)


def _values(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return np.array(FLAGS)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1], dtype)
    if dtype.kind == "c":
        return np.array([complex(np.nan, 1), complex(0, np.inf), -0.5, 1.5j], dtype)
    return np.array([np.nan, np.inf, -0.5, 1.5], dtype)


def test_texts_and_objects(redis_url: str, dataset: DatasetPublisher) -> None:
    def publish(scan: ScanPublisher) -> None:
        for value in ("a", "", "µm", "x" * 10):
            for name in ("str", "U10", "object"):
                scan[f"d:{name}"].publish(value)
            scan["d:S10"].publish(value.encode("ascii", "replace"))

    scan = save(redis_url, dataset, [ChannelSpec(name, dtype) for name, dtype in TEXTS.items()], publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    found = saved(scan)
    for name in ("str", "U10", "object"):
        assert found[name][1].tolist() == ["a", "", "µm", "x" * 10]
        assert h5py.check_string_dtype(found[name][0]).encoding == "utf-8"
    assert found["S10"][1].tolist() == ["a", "", "?m", "x" * 10]


def test_spectra_and_frames_that_change_size(redis_url: str, dataset: DatasetPublisher) -> None:
    channels = [
        ChannelSpec("ints", int, (0,)),
        ChannelSpec("floats", float, (1,)),
        ChannelSpec("frames", np.uint16, (2, 2)),
        ChannelSpec("even", np.uint16, (-1,)),
    ]
    shapes = [(1, 2), (2, 1), (3, 3), (2, 2)]

    def publish(scan: ScanPublisher) -> None:
        for point, shape in enumerate(shapes):
            scan["d:ints"].publish(np.full(point + 1, point + 1))
            scan["d:floats"].publish(np.full(4 - point, point + 1.0))
            scan["d:frames"].publish(np.full(shape, point + 1))
            scan["d:even"].publish(np.arange(3))
            if point == 1:
                scan.flush()

    scan = save(redis_url, dataset, channels, publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    with h5py.File(scan.filename) as file:
        instrument = file["1.1/instrument"]
        for name, lengths in {"ints": [1, 2, 3, 4], "floats": [4, 3, 2, 1]}.items():
            data, mask = instrument[name]["data"][()], instrument[name]["data_mask"][()]
            assert (~mask).sum(axis=1).tolist() == lengths
            for point, length in enumerate(lengths):
                assert data[point, :length].tolist() == [point + 1] * length
                padding = data[point, length:]
                assert np.isnan(padding).all() if name == "floats" else not padding.any()
        frames, mask = instrument["frames/data"][()], instrument["frames/data_mask"][()]
        assert frames.shape == mask.shape == (4, 3, 3)
        for point, (height, width) in enumerate(shapes):
            assert (frames[point, :height, :width] == point + 1).all()
            assert (~mask[point]).sum() == height * width
        assert instrument["even/data"][()].tolist() == [[0, 1, 2]] * 4
        assert set(instrument["even"]) == {"data"}
        assert instrument["frames/data"].attrs["interpretation"] == "image"


def test_channels_that_come_late_or_never(redis_url: str, dataset: DatasetPublisher) -> None:
    def publish(scan: ScanPublisher) -> None:
        for point in range(NPOINTS):
            scan["d:early"].publish(point)
            scan.flush()
        for point in range(2):
            scan["d:late"].publish(10.0 + point)

    channels = [ChannelSpec("early", int), ChannelSpec("late"), ChannelSpec("never", shape=(0,))]
    scan = save(redis_url, dataset, channels, publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    found = saved(scan)
    assert found["early"][1].tolist() == [0, 1, 2, 3]
    assert found["late"][1].tolist() == [10, 11]
    assert "never" not in found
    with h5py.File(scan.filename) as file:
        assert list(file["1.1/instrument/never"]) == []


@pytest.mark.parametrize("missing", ["dtype", "shape"])
def test_a_channel_that_declares_nothing_is_saved_as_its_points_are(
    redis_url: str, dataset: DatasetPublisher, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Points wait until one shows what they are, and keep their order."""

    def publish(scan: ScanPublisher) -> None:
        for point in range(NPOINTS):
            scan["d:bare"].publish(np.full(3, point))
            scan.flush()

    declared = ChannelPublisher.info.fget
    assert declared is not None
    without = property(lambda self: {k: v for k, v in declared(self).items() if k != missing})
    monkeypatch.setattr(ChannelPublisher, "info", without)
    scan = save(redis_url, dataset, [ChannelSpec("bare", np.int16, (3,), unit="V")], publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    dtype, values = saved(scan)["bare"]
    assert dtype == np.int16
    assert values.tolist() == [[point] * 3 for point in range(NPOINTS)]
    with h5py.File(scan.filename) as file:
        found = dict(file["1.1/measurement/bare"].attrs)
    assert found == {"interpretation": "spectrum", "units": "V", "fullname": "d:bare"}


def test_a_channel_that_is_not_what_it_declares_is_saved_all_the_same(
    redis_url: str, dataset: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"d:number": {"dtype": np.int32}, "d:flag": {"dtype": bool}, "d:spectrum": {"shape": ()}}
    declared = ChannelPublisher.info.fget
    assert declared is not None
    lie = property(lambda self: {**declared(self), **wrong.get(self.fullname, {})})
    monkeypatch.setattr(ChannelPublisher, "info", lie)

    def publish(scan: ScanPublisher) -> None:
        scan["d:number"].publish([0.5, 1.5])
        scan["d:flag"].publish([3, 4])
        scan["d:spectrum"].publish([[1, 2], [3, 4]])

    channels = [ChannelSpec("number"), ChannelSpec("flag", int), ChannelSpec("spectrum", int, (2,))]
    scan = save(redis_url, dataset, channels, publish)
    assert scan.state is SubscriberState.OFF, scan.reason
    found = saved(scan)
    assert found["status"][0] == "SUCCEEDED"
    assert {name: found[name][1].tolist() for name in ("number", "flag", "spectrum")} == {
        "number": [0.5, 1.5],
        "flag": [3, 4],
        "spectrum": [[1, 2], [3, 4]],
    }
    warnings = [warning.decode() for warning in found["warnings"][0]]
    assert [warning.partition(" is declared as ")[0] for warning in warnings] == [
        "d:number",
        "d:flag",
        "d:spectrum",
    ]
