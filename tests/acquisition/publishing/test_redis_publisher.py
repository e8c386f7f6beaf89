"""Streams become scans in Redis: channels, indices, gaps, and the ends that there are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.acquisition import Manager, OutputStream, StreamError
from nexus_writer.acquisition.publishing import (
    End,
    Pace,
    PublishingFailed,
    Reason,
    RedisPublisher,
    StreamScan,
    StreamWentBack,
    UnfitStream,
)
from nexus_writer.data import get_node
from nexus_writer.data.events import EventType
from nexus_writer.data.publishing import Position
from tests.waiting import wait_until

from .streams import SESSION, all_points, ended_with, entries, info, points, publisher, signal

FAST = Pace(flush_period_s=0.02)
RAMP = np.arange(100, dtype="float64")[:, None]


def test_streams_become_the_channels_of_a_scan(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    streams = {
        "i0": signal(units="V"),
        "p201": signal(2, "int32", channel_info=[{"name": "mon"}, {"name": "fluo", "units": "cts"}]),
        "xrf": {"shape": (-1, 8), "dtype": "uint32", "spectrum": True},
        "cam": {"shape": (-1, 3, 4), "dtype": "uint16", "streamtype": "image/video"},
        "log": {"shape": (-1, 1), "dtype": [("when", "M8[ms]"), ("text", "S8")], "streamtype": "event"},
    }
    sent: dict[str, Any] = {
        "i0": RAMP,
        "p201": np.arange(20, dtype="int32").reshape(10, 2),
        "xrf": np.arange(40, dtype="uint32").reshape(5, 8),
        "cam": np.arange(24, dtype="uint16").reshape(2, 3, 4),
        "log": np.array([("2026-11-20T06:32:36.5", b"open")], streams["log"]["dtype"])[:, None],
    }
    with publisher(redis_url, tmp_path, streams, pace=FAST) as (node, outputs):
        node.start()
        for name, values in sent.items():
            outputs[name].send(values)
        node.end_with(End(counts={name: len(values) for name, values in sent.items()}))
        node.stop()
        assert node.scan is not None
        scan = f"{node.scan.key}:timer"
    assert all_points(redis_client, scan, "i0:i0").tobytes() == RAMP.tobytes()
    assert all_points(redis_client, scan, "p201:fluo").tolist() == sent["p201"][:, 1].tolist()
    assert all_points(redis_client, scan, "xrf:xrf").tolist() == sent["xrf"].tolist()
    assert all_points(redis_client, scan, "cam:cam").tolist() == sent["cam"].tolist()
    assert all_points(redis_client, scan, "log:text").tolist() == [b"open"]
    assert all_points(redis_client, scan, "log:when").tolist() == [1795156356.5]
    channels = info(redis_client, scan.removesuffix(":timer"))["channels"]
    assert {name: one.get("unit") for name, one in channels.items()} == {
        "i0:i0": "V",
        "p201:mon": None,
        "p201:fluo": "cts",
        "xrf:xrf": None,
        "cam:cam": None,
        "log:when": "s",
        "log:text": None,
    }
    assert channels["xrf:xrf"]["dim"] == 1
    assert channels["cam:cam"]["dim"] == 2
    node_of = get_node(f"{scan}:p201:fluo", connection=redis_client)
    assert node_of is not None
    assert node_of.dtype == np.int32


def test_points_go_out_in_blocks(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=Pace(flush_period_s=30)) as (node, outputs):
        node.start()
        for value in RAMP:
            outputs["i0"].send(value[None])
        node.end_with(End(counts={"i0": 100}))
        node.stop()
        assert node.scan is not None
        assert len(entries(redis_client, f"{node.scan.key}:timer:i0:i0")) in (1, 2)


def test_many_bytes_go_out_before_their_time(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    pace = Pace(flush_period_s=30, flush_nbytes=800)
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=pace) as (node, outputs):
        node.start()
        outputs["i0"].send(RAMP)
        assert node.scan is not None
        key = f"{node.scan.key}:timer:i0:i0"
        wait_until(lambda: entries(redis_client, key), "points in Redis", 60)


def test_a_gap_of_the_index_is_a_gap_of_the_points(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal(2), "i1": signal()}, pace=FAST) as (node, outputs):
        node.start()
        outputs["i0"].send(np.ones((5, 2)), index=8)
        outputs["i0"].send(np.ones((5, 2)))
        outputs["i0"].send(np.full((4, 2), 2.0), index=20)
        outputs["i1"].send(RAMP)
        node.end_with(End(counts={"i0": 20, "i1": 100}))
        node.stop()
        assert node.scan is not None
        for channel in ("i0_0", "i0_1"):
            found = points(redis_client, f"{node.scan.key}:timer", f"i0:{channel}")
            assert {start: values.tolist() for start, values in found.items()} == {
                3: [1.0] * 10,
                16: [2.0] * 4,
            }
        assert node.report["i0"]["gaps"] == [(0, 3), (13, 16)]
        assert node.report["i0"]["missing"] == 6
        assert node.report["i0"]["samples"] == 20
        assert node.report["i0"]["lost"] == 0
        assert node.report["i1"]["gaps"] == []


def test_what_a_stream_lost_is_a_gap_and_counted(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    streams = {"i0": signal(transfermode="sharedmem", buffer_size=64)}
    with publisher(redis_url, tmp_path, streams, pace=Pace(flush_period_s=0.3)) as (node, outputs):
        node.start()

        def send(count: int) -> None:
            start = outputs["i0"].last_index
            outputs["i0"].send(np.arange(start, start + count, dtype="float64")[:, None])

        def lose_some() -> bool:
            for _ in range(1000):
                send(32)
            return bool(node.report["i0"]["lost"])

        def keep_some() -> bool:
            has_all = bool(node.report["i0"]["samples"] == outputs["i0"].last_index)
            send(32)
            return has_all

        wait_until(lose_some, "the loss")
        wait_until(keep_some, "samples behind the loss")
        sent = outputs["i0"].last_index
        node.end_with(End(counts={"i0": sent}))
        node.stop()
        assert node.scan is not None
        found = points(redis_client, f"{node.scan.key}:timer", "i0:i0")
        lost = sent - sum(len(values) for values in found.values())
        for start, values in found.items():
            assert values.tolist() == list(range(start, start + len(values)))
        assert lost > 0
        assert node.report["i0"]["lost"] == lost == node.report["i0"]["missing"]


def test_streams_end_at_different_counts_and_one_says_nothing(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    streams = {"i0": signal(), "i1": signal(), "i2": signal()}
    with publisher(redis_url, tmp_path, streams, pace=FAST) as (node, outputs):
        node.start()
        outputs["i0"].send(RAMP)
        outputs["i1"].send(RAMP[:7])
        node.stop()
        assert node.scan is not None
        scan = f"{node.scan.key}:timer"
        assert len(all_points(redis_client, scan, "i0:i0")) == 100
        assert len(all_points(redis_client, scan, "i1:i1")) == 7
        assert entries(redis_client, f"{scan}:i2:i2") == []
        assert ended_with(redis_client, node.scan.key) == ""


def test_samples_that_do_not_come_are_told(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, outputs):
        node.start()
        outputs["i0"].send(RAMP)
        node.end_with(End(counts={"i0": 101}, within_s=0.2))
        node.stop()
        assert node.scan is not None
        assert len(all_points(redis_client, f"{node.scan.key}:timer", "i0:i0")) == 100
    assert "i0 sent 101 samples, 100 came" in caplog.text


def test_each_start_is_a_scan(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    keys = []
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, outputs):
        for number in range(3):
            node.describe(StreamScan("loopscan", f"loopscan {number}", npoints=5))
            node.start()
            outputs["i0"].reset_buffer_index()
            outputs["i0"].send(RAMP[number : number + 5])
            node.end_with(End(counts={"i0": 5}))
            node.stop()
            assert node.scan is not None
            keys.append(node.scan.key)
    assert [key.rpartition(":")[2] for key in keys] == ["1_loopscan", "2_loopscan", "3_loopscan"]
    for number, key in enumerate(keys):
        assert (
            all_points(redis_client, f"{key}:timer", "i0:i0").tolist()
            == RAMP[number : number + 5, 0].tolist()
        )
        assert info(redis_client, key)["title"] == f"loopscan {number}"
        assert info(redis_client, key)["state"] == "DONE"


@pytest.mark.parametrize(
    ("end", "exception", "state", "told"),
    [
        (End(), "", "DONE", None),
        (End(Reason.USER_ABORT), "<class 'bliss.scanning.scan.ScanAbort'>", "USER_ABORTED", None),
        (
            End(Reason.FAILURE, "samx hit\nits limit"),
            "<class 'RuntimeError'>",
            "KILLED",
            "FAILURE: samx hit its limit",
        ),
    ],
)
def test_a_scan_ends_with_its_reason(
    end: End,
    exception: str,
    state: str,
    told: str | None,
    redis_url: str,
    redis_client: redis.Redis,
    tmp_path: Path,
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, outputs):
        node.start()
        outputs["i0"].send(RAMP)
        node.end_with(end)
        node.stop()
        assert node.scan is not None
        found = info(redis_client, node.scan.key)
        assert ended_with(redis_client, node.scan.key) == exception
        assert (found["state"], found.get("end_reason")) == (state, told)
        assert len(all_points(redis_client, f"{node.scan.key}:timer", "i0:i0")) == 100


def test_a_stream_that_goes_back_fails_the_scan(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, outputs):
        node.start()
        outputs["i0"].send(RAMP)
        outputs["i0"].reset_buffer_index()
        outputs["i0"].send(RAMP[:10])
        wait_until(lambda: not node.running(), "the failure", 60)
        with pytest.raises(PublishingFailed, match="i0 went back from sample 100 to 0: start its node"):
            node.stop()
        assert isinstance(node.failure(), PublishingFailed)
        assert isinstance(node.failure().__cause__, StreamWentBack)  # type: ignore[union-attr]
        assert node.scan is not None
        assert "StreamWentBack" in ended_with(redis_client, node.scan.key)
        assert "i0 went back" in info(redis_client, node.scan.key)["end_reason"]
        node.start()
        outputs["i0"].reset_buffer_index()
        outputs["i0"].send(RAMP[:10])
        node.end_with(End(counts={"i0": 10}))
        node.stop()
        assert len(all_points(redis_client, f"{node.scan.key}:timer", "i0:i0")) == 10


def test_what_waits_from_before_a_scan_is_not_of_it(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, outputs):
        outputs["i0"].send(RAMP)
        wait_until(lambda: node.inputs["i0"].poll(0), "the chunk", 60)
        node.start()
        outputs["i0"].reset_buffer_index()
        outputs["i0"].send(RAMP[:3] + 0.5)
        node.end_with(End(counts={"i0": 3}))
        node.stop()
        assert node.scan is not None
        assert all_points(redis_client, f"{node.scan.key}:timer", "i0:i0").tolist() == [0.5, 1.5, 2.5]


def test_axes_are_the_channels_of_the_master(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    scan = StreamScan(
        "ascan",
        npoints=3,
        axes=("samx",),
        channels={"samx": {"samx": {"display": {"start": 0.0, "stop": 2.0, "points": 3}}}},
        positions={"samx": Position(-1.0, 4.0, "mm"), "samy": Position(7.0, unit="mm")},
    )
    streams = {"samx": signal(units="mm"), "timer": signal(channel_info=["elapsed_time"]), "i0": signal()}
    with publisher(redis_url, tmp_path, streams, pace=FAST, scan=scan) as (node, outputs):
        node.start()
        for output in outputs.values():
            output.send(RAMP[:3])
        node.end_with(End(counts=dict.fromkeys(outputs, 3)))
        node.stop()
        assert node.scan is not None
        key = node.scan.key
    assert all_points(redis_client, key, "axis:samx").tolist() == [0.0, 1.0, 2.0]
    assert all_points(redis_client, key, "axis:timer:elapsed_time").tolist() == [0.0, 1.0, 2.0]
    assert all_points(redis_client, key, "axis:timer:i0:i0").tolist() == [0.0, 1.0, 2.0]
    found = info(redis_client, key)
    assert found["channels"]["axis:samx"]["stop"] == 2.0
    assert found["positioners"]["positioners_start"] == {"samx": -1.0, "samy": 7.0}
    assert found["positioners"]["positioners_end"] == {"samx": 2.0, "samy": 7.0}
    assert found["positioners"]["positioners_dial_end"] == {"samx": 7.0, "samy": 7.0}


def test_events_of_a_scan_come_in_their_order(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal(), "i1": signal()}, pace=FAST) as (node, outputs):
        node.start()
        for _ in range(3):
            outputs["i0"].send(RAMP)
            outputs["i1"].send(RAMP[:20])
            time.sleep(0.05)
        node.end_with(End(counts={"i0": 300, "i1": 60}))
        node.stop()
        assert node.scan is not None
        key = node.scan.key
    walked = get_node(key, connection=redis_client)
    assert walked is not None
    events = list(walked.walk_events(wait=False))
    kinds = [event.type for event in events]
    order = [EventType.NEW_NODE, EventType.PREPARED_SCAN, EventType.NEW_DATA, EventType.END_SCAN]
    assert sorted(kinds, key=order.index) == kinds
    assert kinds.count(EventType.PREPARED_SCAN) == kinds.count(EventType.END_SCAN) == 1
    counts = {"i0": 0, "i1": 0}
    for event in events:
        if event.type is EventType.NEW_DATA:
            assert event.data.first_index == counts[event.node.short_name]
            counts[event.node.short_name] += len(event.data.data)
    assert counts == {"i0": 300, "i1": 60}


@pytest.mark.parametrize(
    ("params", "what"),
    [
        (signal(2, channel_info=["a", "a"]), "two channels a: name them apart"),
        ({"shape": (-1, 1), "dtype": [("a", [("b", "i4")])]}, "send numbers"),
    ],
)
def test_streams_that_can_not_be_channels_are_refused(
    params: dict[str, Any], what: str, redis_url: str, tmp_path: Path
) -> None:
    with pytest.raises(UnfitStream, match=what), publisher(redis_url, tmp_path, {"i0": params}):
        pass


def test_all_scans_expire_with_the_dataset_of_a_node_that_was_initialized_again(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    scans = []
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, _):
        for _ in range(2):
            node.initialize()
            node.start()
            node.stop()
            scans.append(node.scan_key)
    assert [scan.rpartition(":")[2] for scan in scans] == ["1_timescan", "2_timescan"]
    assert all(0 < redis_client.ttl(scan) <= 86400 for scan in scans)


def test_a_dataset_is_closed_when_the_next_one_is_begun(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, pace=FAST) as (node, _):
        node.start()
        node.stop()
        first = node.scan_key
        node.configure(
            streams=["i0"], session=SESSION, directory=tmp_path, redis_url=redis_url, dataset="0002"
        )
        node.initialize()
        assert info(redis_client, first.rpartition(":")[0])["__closed__"]
        assert 0 < redis_client.ttl(first) <= 86400
        node.start()
        node.stop()
        assert not info(redis_client, node.scan_key.rpartition(":")[0])["__closed__"]


def test_axes_that_are_no_streams_are_told(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    with publisher(redis_url, tmp_path, {"i0": signal()}, scan=StreamScan("ascan", axes=("samx",))) as (
        node,
        _,
    ):
        with pytest.raises(ValueError, match="axes has samx, which is no stream: there is i0"):
            node.start()
        assert not redis_client.keys("*_ascan")


def test_an_input_that_leads_nowhere_is_told(redis_url: str, tmp_path: Path) -> None:
    node = RedisPublisher()
    node.configure(streams=["i0"], session=SESSION, directory=tmp_path, redis_url=redis_url)
    with pytest.raises(StreamError, match="input i0 is not connected"):
        node.initialize()
    node.close()


def test_inputs_follow_the_configuration(redis_url: str, tmp_path: Path) -> None:
    node, output = RedisPublisher(), OutputStream()
    output.configure(**signal())
    node.configure(streams=["i0", "i1"], session=SESSION, directory=tmp_path, redis_url=redis_url)
    node.inputs["i0"].connect(output)
    node.configure(streams=["i0"], session=SESSION, directory=tmp_path, redis_url=redis_url)
    node.initialize()
    assert list(node.inputs) == ["i0"]
    node.close()
    output.close()


def test_a_publisher_of_another_process_publishes_what_a_third_one_sends(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    manager = Manager()
    try:
        sending, publishing = manager.create_nodegroup("sending"), manager.create_nodegroup("publishing")
        sending.register_node_type_from_module("nexus_writer.acquisition.detectors", "CounterDetector")
        publishing.register_node_type_from_module("nexus_writer.acquisition.publishing", "RedisPublisher")
        counter = sending.create_node("CounterDetector", "counter")
        counter.configure(channels=["i0", "i1"], rate_hz=1000, npoints=50)
        counter.output.configure()
        counter.initialize()
        node = publishing.create_node("RedisPublisher", "publisher")
        node.configure(streams=["p201"], session=SESSION, directory=str(tmp_path), redis_url=redis_url)
        node.inputs["p201"].connect(counter.output)
        node.describe(StreamScan("loopscan", npoints=50))
        node.initialize()
        node.start()
        counter.start()
        assert counter.wait(60)
        node.end_with(End(counts={"p201": counter.sent}))
        node.stop()
        expected = counter.expected(0, 50)
        for number, name in enumerate(("i0", "i1")):
            found = all_points(redis_client, f"{node.scan_key}:timer", f"p201:{name}")
            assert found.tobytes() == np.ascontiguousarray(expected[:, number]).tobytes()
        assert node.report["p201"]["samples"] == 50
    finally:
        manager.close()
