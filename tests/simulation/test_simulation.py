"""A simulated beamline in this process."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

import pytest
import redis

from nexus_writer.acquisition.publishing import Pace, PublishingFailed, Reason
from nexus_writer.data import get_node
from nexus_writer.data.errors import RedisUnreachable
from nexus_writer.simulation import BeamlineSettings, Outcome, SimulatedScan, Simulation
from nexus_writer.simulation.makers import node_maker
from nexus_writer.simulation.plan import plan_scan
from tests.waiting import wait_until

FAST = {"kind": "counters", "channels": 2, "rate_hz": 1000}
RESPONDING = {"kind": "counter", "channels": {"i0": {}, "fluo": {"peak": 50, "at": {"samx": (0.5, 0.1)}}}}
CAMERA = {"kind": "camera", "shape": (8, 8)}
SPECTRUM = {"kind": "spectrum", "bins": 16, "responding": [(100, 50)], "at": {"samx": (0.5, 0.1)}}


def beamline(tmp_path: Path, *scans: dict[str, object], **more: object) -> BeamlineSettings:
    detectors = {
        "fast": FAST,
        "p201": RESPONDING,
        "xrf": SPECTRUM,
        "cam": {"kind": "camera", "shape": (8, 8)},
    }
    found = {"directory": tmp_path, "motors": {"samx": {}}, "detectors": detectors, "pause_s": 0}
    return BeamlineSettings.model_validate({**found, "scans": scans, **more})


def timescan(**more: object) -> dict[str, object]:
    return {"type": "timescan", "npoints": 20, "count_time_s": 0.005, "detectors": ["fast"], **more}


def ascan(**more: object) -> dict[str, object]:
    path = {"motor": "samx", "start": 0, "stop": 1, "npoints": 11, "count_time_s": 0.005}
    return {"type": "ascan", **path, "detectors": ["p201", "xrf", "cam"], **more}


def digests(outcome: Outcome) -> dict[str, str]:
    """Of what does not depend on the time of the day."""
    channels = {one.name: one.sha256 for stream in outcome.streams.values() for one in stream.channels}
    return {name: digest for name, digest in channels.items() if name != "epoch"}


def test_the_same_seed_gives_the_same_values(redis_url: str, tmp_path: Path) -> None:
    settings = beamline(tmp_path, timescan(), ascan())
    once, again = ([digests(one) for one in Simulation(settings, redis_url).run()] for _ in range(2))
    (other, _) = (
        digests(one) for one in Simulation(settings.model_copy(update={"seed": 1}), redis_url).run()
    )
    assert once == again
    assert once[0]["fast_0"] != other["fast_0"]


def test_each_repetition_has_values_of_its_own(redis_url: str, tmp_path: Path) -> None:
    first, second = Simulation(beamline(tmp_path, timescan(), repeat=2), redis_url).run()
    assert (first.name, second.name) == ("1_timescan", "2_timescan")
    assert digests(first)["fast_0"] != digests(second)["fast_0"]


def test_motors_stay_where_a_scan_left_them(redis_url: str, tmp_path: Path) -> None:
    simulation = Simulation(beamline(tmp_path, ascan(), ascan(stop=0.25)), redis_url)
    positions = [(one.scan.info["positioners"]) for one in simulation.run()]
    starts, ends = ([one[f"positioners_{when}"]["samx"] for one in positions] for when in ("start", "end"))
    assert (starts, ends) == ([0.0, 1.0], [1.0, 0.25])


def test_scans_at_once_overlap_and_are_complete(redis_url: str, tmp_path: Path) -> None:
    together = {"together": [timescan(npoints=60), ascan()]}
    found = list(Simulation(beamline(tmp_path, together), redis_url).run())
    one, other = (outcome.scan.info for outcome in found)
    assert one["start_timestamp"] < other["end_timestamp"]
    assert other["start_timestamp"] < one["end_timestamp"]
    assert all(outcome.complete and outcome.reason is Reason.SUCCESS for outcome in found)


def test_the_scans_expire_a_day_after_the_last_of_them(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    scans = [one.scan for one in Simulation(beamline(tmp_path, timescan(), timescan()), redis_url).run()]
    kept_s = [redis_client.ttl(scan.key) for scan in scans]
    assert all(23 * 3600 < seconds <= 24 * 3600 for seconds in kept_s)
    dataset = get_node(scans[0].key.rpartition(":")[0], connection=redis_client)
    assert dataset is not None
    assert dataset.is_closed


def test_detectors_in_other_processes_send_the_same(redis_url: str, tmp_path: Path) -> None:
    settings = beamline(tmp_path, timescan(), ascan())
    here = [digests(one) for one in Simulation(settings, redis_url).run()]
    elsewhere = Simulation(settings.model_copy(update={"processes": 2}), redis_url)
    found = []
    for outcome in elsewhere.run():
        assert len(multiprocessing.active_children()) >= 2
        assert outcome.complete
        found.append(digests(outcome))
    assert found == here
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_fails_its_scan_and_is_replaced(redis_url: str, tmp_path: Path) -> None:
    settings = beamline(tmp_path, timescan(npoints=10**6), timescan(), processes=1)
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.extend(Simulation(settings, redis_url).run()))
    thread.start()
    wait_until(lambda: any("publisher of" in one.name for one in threading.enumerate()), "the scan")
    (group,) = multiprocessing.active_children()
    group.kill()
    thread.join(60)
    assert [one.reason for one in found] == [Reason.FAILURE, Reason.SUCCESS]
    assert "nodegroup_0" in found[0].scan.info["end_reason"]
    assert found[0].streams == {}
    assert found[1].complete
    assert multiprocessing.active_children() == []


def test_a_detector_that_cannot_start_fails_its_scan(redis_url: str, tmp_path: Path) -> None:
    """There are frames already where the camera of the first scan would save."""
    simulation = Simulation(beamline(tmp_path, ascan(), timescan()), redis_url)
    (frames,) = [
        Path(node.parameters["directory"]) / "cam_0000.h5"
        for node in simulation._plan(simulation.beamline.scans[0], 1).nodes
        if node.name == "cam"
    ]
    frames.parent.mkdir(parents=True)
    frames.touch()
    first, second = simulation.run()
    assert first.message.startswith(f"cam: {frames} is there already")
    assert (first.reason, second.reason) == (Reason.FAILURE, Reason.SUCCESS)
    assert first.scan.info["end_reason"] == f"FAILURE: {first.message}"


def test_an_abort_ends_the_scan_and_runs_no_more(redis_url: str, tmp_path: Path) -> None:
    simulation = Simulation(beamline(tmp_path, timescan(npoints=10**6), timescan()), redis_url)
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.extend(simulation.run()))
    thread.start()
    wait_until(lambda: any("publisher of" in one.name for one in threading.enumerate()), "the scan")
    simulation.abort()
    thread.join(60)
    assert [(one.name, one.reason) for one in found] == [("1_timescan", Reason.USER_ABORT)]
    assert found[0].complete


def test_frames_that_nobody_takes_wait_in_bounded_memory(redis_url: str, tmp_path: Path) -> None:
    """They are kept back, as no writer saves any, and their camera is held up."""
    live = {"kind": "camera", "shape": (256, 256), "dtype": "uint8", "save": False}
    settings = beamline(tmp_path, timescan(npoints=10**6, detectors=["live"]), detectors={"live": live})
    plan = plan_scan(settings, settings.scans[0], {"samx": 0.0}, tmp_path, 0)
    told = {"session": "simulated", "directory": tmp_path, "redis_url": redis_url, "stream_max_entries": 2}
    with node_maker(0) as maker:
        scan = SimulatedScan(plan, maker, told, Pace(0.01, hold_nbytes=2**20))
        try:
            scan.begin()
            (camera,) = (node for plan, node in scan._nodes if plan.name == "live")
            wait_until(scan.publisher.held, "frames are kept back")
            before = -1
            while camera.sent > before:
                before = camera.sent
                time.sleep(1.0)
            assert camera.sent * 256 * 256 < 2**26
        finally:
            scan.close()


def test_a_publisher_that_cannot_be_stopped_leaves_no_stream_open(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Redis refuses the end of a scan that is broken off."""
    settings = beamline(tmp_path, timescan(npoints=10**6))
    plan = plan_scan(settings, settings.scans[0], {"samx": 0.0}, tmp_path, 0)
    parameters = {"session": "simulated", "directory": tmp_path, "redis_url": redis_url}
    with node_maker(0) as maker:
        scan = SimulatedScan(plan, maker, parameters, Pace(0.01))
        scan.begin()
        redis_client.set(f"{scan.publisher.scan_key}_end", "in the way")
        with pytest.raises(PublishingFailed):
            scan.close()
    assert scan.publisher.closed()


def test_nothing_is_left_when_redis_does_not_answer(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(RedisUnreachable):
        list(Simulation(beamline(tmp_path, timescan()), "redis://127.0.0.1:1/1").run())
    wait_until(lambda: set(threading.enumerate()) <= before, "all threads ended")
