"""The beamline of the demo publishes complete scans in which something can be seen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.cli.demo.beamline import play, run_beamline
from nexus_writer.cli.demo.plans import loopscan, scans_of
from nexus_writer.cli.demo.sample import EV_PER_BIN, GRAIN_X_MM, GRAIN_Y_MM, IRON_KA_EV, Beamline
from nexus_writer.data.pickles import loads
from nexus_writer.data.publishing import SessionPublisher

NAMES = ["1_loopscan", "2_ascan", "3_amesh", "4_ascan", "5_ascan", "6_timescan"]


@pytest.fixture
def scans(redis_client: redis.Redis, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """Keys of the scans of one run, by name."""
    keys: dict[str, str] = {}

    def wait_for_writer(name: str, key: str) -> None:
        keys[name] = key
        assert not redis_client.xlen(f"{key}_children_list")

    run_beamline(redis_url, "demo_session", tmp_path, speed=0, wait_for_writer=wait_for_writer)
    return keys


def info_of(client: redis.Redis, key: str) -> dict[str, Any]:
    return {field.decode(): loads(value) for field, value in client.hgetall(f"{key}_info").items()}


def points_of(client: redis.Redis, scan: str, fullname: str) -> np.ndarray:
    (key,) = [
        raw.decode()
        for raw in client.scan_iter(f"{scan}:*", count=1000)
        if client.type(raw) == b"hash" and client.hget(raw, "name") == fullname.encode()
    ]
    return np.array([loads(fields[b"__DATA__"]) for _, fields in client.xrange(f"{key}_data")])


def test_every_scan_is_complete(redis_client: redis.Redis, scans: dict[str, str], tmp_path: Path) -> None:
    assert list(scans) == NAMES
    for key in scans.values():
        info = info_of(redis_client, key)
        assert info["state"] == "DONE"
        assert Path(info["filename"]).is_relative_to(tmp_path)
        assert redis_client.xlen(f"{key}_end") == 1
        streams = list(redis_client.scan_iter(f"{key}:*_data", count=1000))
        assert len(streams) == len(info["channels"])
        assert {redis_client.xlen(stream) for stream in streams} == {info["npoints"]}


def test_a_mesh_shows_the_grain(redis_client: redis.Redis, scans: dict[str, str]) -> None:
    key = scans["3_amesh"]
    info = info_of(redis_client, key)
    counts = points_of(redis_client, key, "p201:fluo")
    x, y = (points_of(redis_client, key, f"axis:{motor}") for motor in ("samx", "samy"))
    assert info["npoints1"] * info["npoints2"] == info["npoints"] == len(counts)
    assert len(np.unique(x)) == info["npoints1"]
    centre = np.average(x, weights=counts**2), np.average(y, weights=counts**2)
    assert centre == pytest.approx((GRAIN_X_MM, GRAIN_Y_MM), abs=0.05)


def test_a_spectrum_shows_iron(redis_client: redis.Redis, scans: dict[str, str]) -> None:
    spectra = points_of(redis_client, scans["4_ascan"], "xrf:spectrum_det0")
    assert spectra.dtype == np.uint32
    assert np.argmax(spectra.sum(axis=0)) * EV_PER_BIN == pytest.approx(IRON_KA_EV, abs=50)


def test_the_end_positions_are_where_the_scan_went(redis_client: redis.Redis, scans: dict[str, str]) -> None:
    positioners = info_of(redis_client, scans["2_ascan"])["positioners"]
    assert positioners["positioners_start"]["samx"] == 0.0
    assert positioners["positioners_end"]["samx"] == 1.2
    assert positioners["positioners_dial_end"]["samx"] == pytest.approx(1.2 - 2.5)
    assert positioners["positioners_units"]["th"] == "deg"


def test_two_scans_run_at_once(redis_client: redis.Redis, scans: dict[str, str]) -> None:
    one, other = (info_of(redis_client, scans[name]) for name in NAMES[-2:])
    assert one["start_timestamp"] < other["end_timestamp"]
    assert other["start_timestamp"] < one["end_timestamp"]


def test_a_scan_takes_its_time(redis_client: redis.Redis) -> None:
    dataset = SessionPublisher(redis_client, "demo_session").dataset("/data", "hg123", "iron")
    plan = loopscan(Beamline(), 10)
    start_s = time.monotonic()
    play(dataset, [plan], speed=4)
    assert time.monotonic() - start_s >= 10 * plan.period_s / 4


def test_the_whole_run_takes_10_to_12_s() -> None:
    parts = [max(plan.period_s * plan.spec.npoints for plan in plans) for plans in scans_of(Beamline())]
    assert 10 <= sum(parts) <= 12


def test_scans_are_ended_when_the_writer_does_not_come(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    keys = []

    def wait_for_writer(name: str, key: str) -> None:
        keys.append(key)
        raise TimeoutError("no writer")

    with pytest.raises(TimeoutError, match="no writer"):
        run_beamline(redis_url, "demo_session", tmp_path, speed=0, wait_for_writer=wait_for_writer)
    ((_, fields),) = redis_client.xrange(f"{keys[0]}_end")
    assert loads(fields[b"__EXCEPTION__"]) == "<class 'TimeoutError'>"
    assert info_of(redis_client, keys[0])["state"] == "KILLED"
