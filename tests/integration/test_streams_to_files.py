"""What nodes send by streams is in the file: all of it, at its index, whatever happens to those between."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.acquisition.publishing import End, Pace, PublishingFailed, Reason, StreamScan
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.publishing import Position
from tests.acquisition.publishing import streams as made
from tests.acquisition.publishing.streams import SESSION, publisher
from tests.serve_process import entry_is_final, serving, wait_until

OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.05")
FAST = Pace(flush_period_s=0.02)


def ramp(start: int, stop: int) -> np.ndarray[Any, Any]:
    return np.arange(start, stop, dtype="float64")[:, None]


def file_of(root: Path) -> Path:
    return root / "hg123/id00/20260101/RAW_DATA/sample/sample_0001/sample_0001.h5"


def points_in(path: Path, name: str = "i0") -> int:
    try:
        with h5py.File(path) as file:
            return len(file[f"1.1/measurement/{name}"])
    except (OSError, KeyError, RuntimeError):
        return 0


def missing(entry: h5py.Group) -> dict[str, list[tuple[int, int]]]:
    """First and last index of each range that never came, by channel."""
    names, found = entry["writer/points/channel"].asstr()[()], {}
    for row, first, last in entry["writer/points/missing"][()].tolist():
        found.setdefault(names[row], []).append((first, last))
    return found


def test_gaps_and_ends_are_in_the_file(redis_url: str, tmp_path: Path) -> None:
    streams = {"i0": made.signal(units="V"), "late": made.signal(dtype="int32"), "none": made.signal()}
    with serving(SESSION, redis_url, tmp_path, *OPTIONS):
        with publisher(redis_url, tmp_path, streams, pace=FAST) as (node, outputs):
            node.start()
            outputs["i0"].send(ramp(0, 50))
            outputs["i0"].send(ramp(60, 100), index=100)
            outputs["late"].send(ramp(7, 30).astype("int32"), index=30)
            node.end_with(End(counts={"i0": 100, "late": 30}))
            node.stop()
        wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file")
    with h5py.File(file_of(tmp_path)) as file:
        entry = file["1.1"]
        assert missing(entry) == {"i0:i0": [(50, 59)], "late:late": [(0, 6)]}
        assert entry["writer/status"].asstr()[()] == "FAILED"
        assert entry["end_reason"].asstr()[()] == "SUCCESS"
        i0, late = entry["measurement/i0"], entry["measurement/late"]
        assert i0.attrs["units"] == "V"
        assert np.isnan(i0[50:60]).all()
        assert np.delete(i0[()], range(50, 60)).tolist() == [*range(50), *range(60, 100)]
        assert late[()].tolist() == [0] * 7 + list(range(7, 30))


def test_a_failure_tells_its_message_in_the_file(redis_url: str, tmp_path: Path) -> None:
    with serving(SESSION, redis_url, tmp_path, *OPTIONS):
        with publisher(redis_url, tmp_path, {"i0": made.signal()}, pace=FAST) as (node, outputs):
            node.start()
            outputs["i0"].send(ramp(0, 50))
            node.end_with(End(Reason.FAILURE, "samx hit its limit", {"i0": 50}))
            node.stop()
        wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file")
    with h5py.File(file_of(tmp_path)) as file:
        assert file["1.1/end_reason"].asstr()[()] == "FAILURE: samx hit its limit"
        assert file["1.1/measurement/i0"][()].tolist() == list(range(50))


def publish_for_ever(url: str, root: Path) -> None:
    with publisher(url, root, {"i0": made.signal()}, pace=FAST) as (node, outputs):
        node.start()
        for start in range(0, 10**9, 10):
            outputs["i0"].send(ramp(start, start + 10))
            time.sleep(0.01)


def test_the_scan_of_a_killed_publisher_is_completed(redis_url: str, tmp_path: Path) -> None:
    path = file_of(tmp_path)
    with serving(SESSION, redis_url, tmp_path, *OPTIONS, "--silence-s", "2"):
        process = multiprocessing.get_context("spawn").Process(
            target=publish_for_ever, args=(redis_url, tmp_path)
        )
        process.start()
        try:
            wait_until(lambda: points_in(path) >= 50, "points in the file", 60)
        finally:
            process.kill()
            process.join(60)
        wait_until(lambda: entry_is_final(path, "1.1"), "completed", 60)
    with h5py.File(path) as file:
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"
        assert "silent" in file["1.1/writer/unfinished"].asstr()[()]
        found = file["1.1/measurement/i0"][()]
        assert found.tolist() == list(range(len(found)))


def test_detectors_wait_for_a_writer_that_is_not_there(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis keeps 64 entries here: a second of points, and many more are sent."""
    pace = Pace(flush_period_s=0.005, flush_nbytes=800, hold_nbytes=8000)
    streams = {"i0": made.signal(protocol="inproc", queue_chunks=5, send_timeout_s=60)}
    sent = [0]

    def send() -> None:
        for start in range(0, 20_000, 20):
            outputs["i0"].send(ramp(start, start + 20))
            sent[0] = start + 20
            time.sleep(0.001)

    with publisher(redis_url, tmp_path, streams, pace=pace, stream_max_entries=64) as (node, outputs):
        node.start()
        thread = threading.Thread(target=send)
        thread.start()
        wait_until(lambda: "start a writer of the session" in caplog.text, "the warning")
        wait_until(node.held, "points held back")
        held = node.report["i0"]["samples"]
        wait_until(lambda: node.report["i0"]["samples"] > held + 500, "more of them")
        with serving(SESSION, redis_url, tmp_path, *OPTIONS):
            assert sent[0] < 20_000
            thread.join(60)
            node.end_with(End(counts={"i0": 20_000}))
            node.stop()
            wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file")
    with h5py.File(file_of(tmp_path)) as file:
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert file["1.1/measurement/i0"][()].tolist() == list(range(20_000))


def test_detectors_wait_for_a_writer_that_hangs(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis keeps 256 entries here, of 50 a second; the writer hangs until the publisher waits for it."""
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.01):
            start = outputs["i0"].last_index
            outputs["i0"].send(ramp(start, start + 10))

    with (
        serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer,
        publisher(redis_url, tmp_path, {"i0": made.signal()}, pace=FAST, stream_max_entries=256) as (
            node,
            outputs,
        ),
    ):
        node.start()
        thread = threading.Thread(target=send)
        thread.start()
        try:
            wait_until(lambda: points_in(file_of(tmp_path)) >= 50, "points in the file", 60)
            writer.process.send_signal(signal.SIGSTOP)
            wait_until(node.held, "points held back", 60)
            held = node.report["i0"]["samples"]
            wait_until(lambda: node.report["i0"]["samples"] > held + 1000, "more points")
        finally:
            writer.process.send_signal(signal.SIGCONT)
            stop.set()
            thread.join()
        node.end_with(End(counts={"i0": outputs["i0"].last_index}))
        node.stop()
        wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file", 60)
    assert "look at the writer with nexus-writer status" in caplog.text
    with h5py.File(file_of(tmp_path)) as file:
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert file["1.1/measurement/i0"][()].tolist() == list(range(outputs["i0"].last_index))


def test_a_publisher_that_only_warns_goes_on(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pace = Pace(flush_period_s=0.005, on_lag="warn")
    with publisher(redis_url, tmp_path, {"i0": made.signal()}, pace=pace, stream_max_entries=64) as (
        node,
        outputs,
    ):
        node.start()
        assert node.scan is not None
        key = f"{node.scan.key}:timer:i0:i0_data"

        def trimmed() -> bool:
            outputs["i0"].send(ramp(0, 10))
            found = redis_client.xrange(key, count=1)
            return bool(found) and found[0][0] != b"1-0"

        wait_until(trimmed, "points that were lost", 60)
        node.stop()
    assert caplog.text.count("points are lost: start a writer of the session") == 1


def test_a_redis_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis") as server:
        with (
            serving(SESSION, server.url, tmp_path, *OPTIONS),
            publisher(server.url, tmp_path, {"i0": made.signal(send_timeout_s=60)}, pace=FAST) as (
                node,
                outputs,
            ),
        ):
            node.start()
            for start in range(0, 3000, 10):
                outputs["i0"].send(ramp(start, start + 10))
                time.sleep(0.002)
                if start == 1000:
                    server.kill()
                    server.start()
            node.end_with(End(counts={"i0": 3000}, within_s=30))
            node.stop()
            wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file")
        with h5py.File(file_of(tmp_path)) as file:
            assert file["1.1/measurement/i0"][()].tolist() == list(range(3000))


def test_a_redis_that_stays_away_fails_the_node(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pace = Pace(flush_period_s=0.02, redis_within_s=0.5, end_within_s=0.5)
    with (
        EmbeddedRedis() as server,
        publisher(server.url, tmp_path, {"i0": made.signal()}, pace=pace) as (
            node,
            outputs,
        ),
    ):
        node.start()
        server.kill()
        outputs["i0"].send(ramp(0, 10))
        wait_until(lambda: not node.running(), "the failure", 60)
        with pytest.raises(PublishingFailed, match="1_timescan was not published to its end"):
            node.stop()
    assert "the dataset stays open in Redis" in caplog.text


def test_a_step_scan_and_a_camera_are_saved_as_bliss_saves_them(redis_url: str, tmp_path: Path) -> None:
    display = {"start": 0.0, "stop": 4.0, "points": 5}
    scan = StreamScan(
        "ascan",
        npoints=5,
        axes=("samx",),
        channels={"samx": {"samx": {"display": display}}},
        positions={"samx": Position(0.0, unit="mm")},
    )
    saving = {"directory": str(tmp_path / "images"), "prefix": "cam_", "frames_per_file": 1}
    streams = {
        "samx": made.signal(units="mm"),
        "cam": made.signal(dtype="int64", saving=saving, frame_shape=[4, 6], frame_dtype="uint16"),
    }
    with serving(SESSION, redis_url, tmp_path, *OPTIONS):
        with publisher(redis_url, tmp_path, streams, pace=FAST, scan=scan) as (node, outputs):
            node.start()
            for number in range(5):
                save_frame(tmp_path / "images" / f"cam_{number:04d}.h5", number)
                outputs["cam"].send(np.array([[number]]))
                outputs["samx"].send(ramp(number, number + 1))
            node.end_with(End(counts={"cam": 5, "samx": 5}))
            node.stop()
        wait_until(lambda: entry_is_final(file_of(tmp_path), "1.1"), "the file")
    with h5py.File(file_of(tmp_path)) as file:
        entry = file["1.1"]
        assert entry["writer/status"].asstr()[()] == "SUCCEEDED"
        assert entry["measurement/samx"][()].tolist() == [0, 1, 2, 3, 4]
        assert entry["measurement/cam"].shape == (5, 4, 6)
        assert entry["measurement/cam"][:, 0, 0].tolist() == [0, 1, 2, 3, 4]
        assert entry["instrument/positioners_end/samx"][()] == 4.0


def save_frame(path: Path, number: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file["entry_0000/ESRF-ID00/cam/data"] = np.full((1, 4, 6), number, "uint16")
