"""Scans whose users publish metadata that NeXus does not allow, saved by the whole writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import DeviceSpec, ScanPublisher, ScanSpec, sampling, timer
from nexus_writer.data.publishing.scan import Position
from tests.integration.published import save_scan
from tests.nexus_judge import errors_in

CATEGORIES: dict[str, Any] = {
    "my category": {"1st": {"@NX_class": "NXmine", "a b": 1, "a-b": "zwei"}, "température": 1.5},
    "optics": {"@NX_class": "NXcrystal", "d_spacing": 3.1},
    "process": {"@NX_class": "NXprocess", "program": "x", "curve": {"@NX_class": "NXdata", "y": [1, 2]}},
    "instrument": {
        "my optics": {"@NX_class": "NXcrystal", "type": "Si", "source": {"@NX_class": "NXsource"}},
        "diode": {"efficiency": {"value": 0.5}, "gain 2": 7},
    },
}


def positions() -> dict[str, Position]:
    return {"2theta": Position(1.0, unit="deg"), "m-1": Position(2.0), "m_1": Position(3.0)}


def publish(scan: ScanPublisher) -> None:
    for channel in scan.channels.values():
        for point in range(2):
            channel.publish(float(point))


def test_it_is_valid_and_nothing_is_lost(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    pytest.importorskip("nexusformat")
    dataset = SessionPublisher(redis_client, "wild").dataset(tmp_path, "hg123", "sample")
    chain = timer(DeviceSpec("ctl", (sampling("diode"), sampling("2nd diode"))))
    spec = ScanSpec("loopscan", (chain,), npoints=2, categories=CATEGORIES, positions=positions)
    scan = save_scan(redis_url, dataset, spec, publish)
    assert errors_in(Path(scan.filename)) == []
    with h5py.File(scan.filename) as file:
        entry = file["1.1"]
        assert "warnings" not in entry["writer"]
        category = entry["my_category"]
        assert category.attrs["published_name"] == "my category"
        assert category["_1st"].attrs["published_class"] == "NXmine"
        assert category["_1st/a_b"][()] == 1
        assert category["_1st/a_b_2"].asstr()[()] == "zwei"
        assert category["temp_rature"].attrs["published_name"] == "température"
        assert entry["optics"].attrs["published_class"] == "NXcrystal"
        assert entry["process/curve/y"][()].tolist() == [1, 2]
        instrument = entry["instrument"]
        assert instrument["my_optics"].attrs["NX_class"] == "NXcrystal"
        assert instrument["my_optics/source"].attrs["published_class"] == "NXsource"
        assert instrument["diode/efficiency_/value"][()] == 0.5
        assert instrument["diode/gain_2"][()] == 7
        assert instrument["_2nd_diode/data"].attrs["fullname"] == "ctl:2nd diode"
        found = instrument["positioners_end"]
        assert {name: item[()] for name, item in found.items()} == {"_2theta": 1, "m_1": 3, "m_1_2": 2}
        assert dict(found["_2theta"].attrs) == {"units": "deg", "published_name": "2theta"}
