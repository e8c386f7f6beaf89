"""The functions and methods that programs call by name answer as those of blissdata 0.3 do, on one Redis.

Where they do not, the difference is a defect of blissdata that stays away; each is named here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

import nexus_writer.data
from nexus_writer.data import EventType
from nexus_writer.data import scan as scans
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.nodes import (
    DataNode,
    DatasetNode,
    LimaImageChannelDataNode,
    create_node,
    get_or_create_node,
    get_session_node,
)
from nexus_writer.data.publishing import SessionPublisher
from nexus_writer.data.recording import Recording, replay
from tests.data_room.blissdata_questions import answers
from tests.data_room.test_blissdata_clients import NEEDED, SPEC, everything, publish_points, start_client

pytestmark = [pytest.mark.blissdata, NEEDED]

RECORDINGS = ("loopscan10", "sequence", "lima_two", "two_masters", "dtypes", "mca", "failing", "ct")


def printed(server: EmbeddedRedis, session: str, mode: str) -> str:
    with start_client(server, session, mode) as client:
        assert client.stdout is not None
        output = client.stdout.read()
    assert client.returncode == 0
    return output


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_is_asked_of_a_recording(
    name: str, captures: Path, redis_server: EmbeddedRedis, redis_client: redis.Redis
) -> None:
    replay(Recording(captures / name / "timeline.jsonl.gz"), redis_client)
    theirs = json.loads(printed(redis_server, "demo_session", "names"))
    session = get_session_node("demo_session", redis_client)
    ours = json.loads(json.dumps(answers(session, nexus_writer.data, connection=redis_client)))
    assert list(ours) == list(theirs) and len(ours) > 30
    for question, answer in theirs.items():
        assert ours[question] == answer, question


@pytest.fixture(scope="module")
def made(redis_server: EmbeddedRedis) -> Any:
    """A session that real blissdata has made, by its functions."""
    with redis_server.client() as client:
        client.flushall()
        printed(redis_server, "made", "make")
        yield client


def test_what_it_makes_we_read(made: redis.Redis) -> None:
    told = {node.db_name: node for node in get_session_node("made", made).walk(wait=False)}
    scan = "made:sample_0001:1_scan"
    kinds = {f"{scan}:timer": "None", f"{scan}:scans": "node_ref_channel", f"{scan}:timer:image": "lima"}
    kinds |= {"made:sample_0001": "dataset", scan: "scan", f"{scan}:timer:diode": "channel"}
    assert {key: node.type for key, node in told.items()} == kinds
    dataset = told["made:sample_0001"]
    assert isinstance(dataset, DatasetNode) and dataset.start_date is not None
    assert told[scan].info["positioners"] == {"end": {"samx": 2.0}}, "it means to merge, and does not"
    channel: Any = told[f"{scan}:timer:diode"]
    assert channel.name == "timer:diode" and channel.get(0, -1).tolist() == [0.5, 1.5, 2.5, 3.5]
    camera = told[f"{scan}:timer:image"]
    assert isinstance(camera, LimaImageChannelDataNode)
    assert len(camera) == 3 and [one.file for one in camera.references(0, 3)][-1] == "/data/cam_0001.h5"
    references: Any = told[f"{scan}:scans"]
    assert references.get(0, -1) == [told[scan]]


def test_an_end_without_an_exception_went_well(made: redis.Redis) -> None:
    events = get_session_node("made", made).walk_events(wait=False)
    (end,) = [event.data for event in events if event.type is EventType.END_SCAN]
    assert end is not None and end.description == ""


def test_what_we_make_it_reads(redis_server: EmbeddedRedis, redis_client: redis.Redis) -> None:
    session = get_or_create_node("ours", node_type="container", connection=redis_client)
    scan: Any = create_node("1_scan", "scan", session, info={"title": "a scan", "save": False})
    device = create_node("timer", parent=scan)
    more: dict[str, Any] = {"shape": (), "dtype": float, "unit": "V"}
    channel: Any = create_node("diode", "channel", device, channel_name="timer:diode", **more)
    camera: Any = create_node(
        "image", "lima", device, channel_name="timer:image", shape=(4, 6), dtype=np.uint16
    )
    scan.prepared({"positioners": {"start": {"samx": 1.0}}})
    for data in (0.5, np.array([1.5, 2.5]), [3.5]):
        channel.store({"description": {"shape": (), "dtype": float, "unit": "V"}, "data": data})
    saving = {"saving_mode": "AUTO_FRAME", "saving_directory": "/data", "saving_format": "HDF5"}
    saving |= {"saving_prefix": "cam_", "saving_suffix": ".h5", "user_detector_name": "cam"}
    numbers = {"saving_frame_per_file": 2, "saving_frame_per_acquisition": 0}
    camera.store({"data": {"in_prepare": True, "server_url": ""}, "description": {**saving, **numbers}})
    camera.store({"data": {"last_image_ready": 2}})
    scan.end({"positioners": {"end": {"samx": 2.0}}}, RuntimeError)
    told = everything(redis_server, "ours")
    found = {node["key"].rpartition(":")[2]: node for node in told["nodes"]}
    assert found["1_scan"]["info"]["positioners"] == {"start": {"samx": 1.0}, "end": {"samx": 2.0}}
    assert found["diode"]["all"]["values"] == [0.5, 1.5, 2.5, 3.5] and found["diode"]["unit"] == "V"
    assert [one[0] for one in found["image"]["references"]] == ["/data/cam_0000.h5"] * 2 + [
        "/data/cam_0001.h5"
    ]
    kinds = [event["event"] for event in told["events"] if event["key"] == "ours:1_scan"]
    assert kinds == ["NEW_NODE", "PREPARED_SCAN", "END_SCAN"]
    assert told["events"][-1]["description"] == "<class 'RuntimeError'>"


class Noted(scans.ScansObserver):
    """Notes what the client's observer prints."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_scan_created(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self.told.append(("created", scan_db_name, scan_info["title"]))

    def on_scan_started(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self.told.append(("started", scan_db_name, scan_info["title"]))

    def on_child_created(self, scan_db_name: str, node: DataNode) -> None:
        self.told.append(("child", scan_db_name, node.db_name))

    def on_scalar_data_received(
        self, scan_db_name: str, channel_name: str, index: int, data_bunch: Any
    ) -> None:
        self.told.append(("scalar", scan_db_name, channel_name, index, data_bunch.tolist()))

    def on_ndim_data_received(
        self, scan_db_name: str, channel_name: str, dim: int, index: int, data_bunch: Any
    ) -> None:
        self.told.append(("ndim", scan_db_name, channel_name, dim, index, data_bunch.tolist()))

    def on_scan_finished(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self.told.append(("finished", scan_db_name, scan_info["title"]))


def together(told: list[Any]) -> dict[tuple[Any, ...], Any]:
    """Points joined by channel, children as a set."""
    found: dict[tuple[Any, ...], Any] = {}
    for kind, scan, *more in told:
        if kind in ("scalar", "ndim"):
            values = more[-1]["values"] if isinstance(more[-1], dict) else more[-1]
            points = found.setdefault((kind, scan, more[0]), [])
            assert more[-2] == len(points)
            points.extend(values)
        elif kind == "child":
            found.setdefault((kind, scan), set()).add(more[0])
        else:
            found[kind, scan] = more
    return found


def test_a_watcher_tells_the_same(redis_server: EmbeddedRedis, redis_client: redis.Redis) -> None:
    dataset = SessionPublisher(redis_client, "demo_session").dataset("/data/visitor", "hg123", "iron")
    observer = Noted()
    with redis_server.client() as own, start_client(redis_server, "demo_session", "watch") as theirs:
        try:
            assert theirs.stdout is not None and theirs.stdout.readline() == "ready\n"
            watcher = scans.ScansWatcher("demo_session", own)
            watcher.set_observer(observer)
            with watcher.watch():
                with dataset.scan(SPEC) as scan:
                    scan.prepare()
                    publish_points(scan)
                lines: list[Any] = []
                while not lines or lines[-1][0] != "finished":
                    lines.append(json.loads(theirs.stdout.readline()))
                assert watcher.wait_no_more_running_scans(20)
        finally:
            theirs.terminate()
    ours, others = together(observer.told), together(lines)
    assert set(ours) == set(others) and len(ours) > 10
    for key, value in ours.items():
        if key[0] in ("scalar", "ndim", "child"):
            assert value == others[key], key
