"""The real blissdata 0.3 client reads what we publish.

It needs an old numpy and an old redis-py, so it lives in an environment of its own (make test-blissdata).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data import Watch, connect
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.encoded_images import decode_data_array, decode_video_image
from nexus_writer.data.happenings import ChannelProgress, ScanEnded
from nexus_writer.data.lima_saving import LimaSaving
from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    Position,
    SavingSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    camera,
    sampling,
    timer,
)
from nexus_writer.data.recording import Recording, replay
from nexus_writer.simulation import BeamlineSettings, Simulation
from tests.lima_server import GREY, data_array, image, video_image

CLIENT = Path(__file__).with_name("blissdata_client.py")
ROOT = Path(__file__).parent.parent.parent
PYTHON = Path(os.environ.get("BLISSDATA_PYTHON", ROOT / ".venv-blissdata" / "bin" / "python"))

NEEDED = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"no blissdata 0.3.1 at {PYTHON}: run 'make test-blissdata'"
)
pytestmark = [pytest.mark.blissdata, NEEDED]

DETECTORS = DeviceSpec(
    "det",
    (
        sampling("float", "V"),
        ChannelSpec("int", int),
        ChannelSpec("big", ">i4"),
        ChannelSpec("flag", bool),
        ChannelSpec("label", str),
        ChannelSpec("short", "U10"),
        ChannelSpec("any", object),
        ChannelSpec("spectrum", np.uint32, (4,), unit="cts"),
        ChannelSpec("image", np.uint16, (2, 3)),
    ),
)
SPEC = ScanSpec(
    "loopscan",
    (timer(DETECTORS),),
    title="loop é",
    npoints=6,
    count_time_s=0.1,
    positions=lambda: {"samx": Position(1.5, -3.5, "mm")},
    categories={"sample": {"name": "iron", "@NX_class": "NXsample"}},
)


def value_of(channel: str, point: int) -> Any:
    spectrum = np.arange(4, dtype=np.uint32) + point
    values: dict[str, Any] = {"float": point / 2, "int": point, "big": -point, "flag": point % 2 == 1}
    values |= {"label": f"é{point}", "short": f"s{point}", "any": {"n": point}, "spectrum": spectrum}
    values["image"] = np.full((2, 3), point, np.uint16)
    return values.get(channel, float(point))


def publish_points(scan: ScanPublisher) -> None:
    """Six points: the first two one by one, the other four as a block."""
    for fullname, channel in scan.channels.items():
        name = fullname.split(":")[1]
        for point in (0, 1):
            channel.publish(value_of(name, point))
        channel.publish([value_of(name, point) for point in range(2, 6)])
    scan.flush()


def start_client(server: EmbeddedRedis, session: str, mode: str) -> subprocess.Popen[str]:
    command = [str(PYTHON), str(CLIENT), f"127.0.0.1:{server.port}", session, mode]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd="/")


def everything(server: EmbeddedRedis, session: str) -> dict[str, Any]:
    with start_client(server, session, "all") as client:
        assert client.stdout is not None
        output = client.stdout.read()
    assert client.returncode == 0
    return dict(json.loads(output))


@contextmanager
def new_events(server: EmbeddedRedis, session: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Events from now on, until the end of the first scan."""
    with start_client(server, session, "live") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        try:
            yield (json.loads(line) for line in client.stdout)
        finally:
            client.terminate()


def test_clients_find_the_frames_of_cameras(redis_server: EmbeddedRedis, redis_client: redis.Redis) -> None:
    redis_client.flushall()
    dataset = SessionPublisher(redis_client, "cameras").dataset("/data", "hg123", "sample")
    chain = (timer(DeviceSpec("cam", (camera((4, 6)),))),)
    with dataset.scan(ScanSpec("loopscan", chain, npoints=5)) as scan:
        scan.prepare()
        saving = SavingSpec("/data/scan0001", frames_per_file=2, frames_per_acquisition=3, first_number=7)
        scan.camera("cam:image").prepare(saving)
        scan.camera("cam:image").publish_status(ready=2)
        scan.camera("cam:image").publish_status(ready=5)
    nodes = everything(redis_server, "cameras")["nodes"]
    (lima,) = [node for node in nodes if node["type"] == "lima"]
    said = LimaSaving.from_description(saving.fields)
    assert said is not None
    expected = [[run.file, run.dataset, run.first + i] for run in said.runs(0, 5) for i in range(run.count)]
    assert [reference[:3] for reference in lima["references"]] == expected


def test_clients_read_a_simulated_scan(
    redis_server: EmbeddedRedis, redis_client: redis.Redis, tmp_path: Path
) -> None:
    redis_client.flushall()
    detectors = {"fast": {"kind": "counters", "channels": 2, "rate_hz": 500, "dtype": "int32"}}
    detectors |= {"cam": {"kind": "camera", "shape": (4, 8), "rate_hz": 20, "frames_per_file": 4}}
    detectors |= {"xrf": {"kind": "spectrum", "bins": 16}}
    scan = {"type": "timescan", "duration_s": 0.5, "detectors": list(detectors)}
    found = {"session": "simulated", "directory": tmp_path, "detectors": detectors, "scans": [scan]}
    (outcome,) = Simulation(BeamlineSettings.model_validate(found), redis_server.url).run()
    nodes = {node["name"]: node for node in everything(redis_server, "simulated")["nodes"]}
    for stream, sent in outcome.streams.items():
        for channel in sent.channels:
            node = nodes[outcome.fullname(stream, channel.name)]
            if node["type"] == "lima":
                assert len(node["references"]) == channel.points == 10
                continue
            values = np.array(node["all"]["values"], channel.dtype)
            assert values.shape == (channel.points, *channel.shape)
            assert hashlib.sha256(values.tobytes()).hexdigest() == channel.sha256
    assert nodes["1_timescan"]["info"]["state"] == "DONE"


DECODE = """\
import json, sys
from blissdata.data.lima_image import decode_devencoded_image, decode_devencoded_video
for line in sys.stdin:
    kind, data = line.split()
    decode = decode_devencoded_image if kind == "DATA_ARRAY" else decode_devencoded_video
    values = decode((kind, bytes.fromhex(data)))[0]
    print(json.dumps([values.tolist(), values.dtype.str]))
"""


def test_clients_decode_images_as_we_do() -> None:
    types = ("u1", "u2", "u4", "i1", "i2", "i4")
    arrays = [data_array(image(3).astype(dtype)) for dtype in types]
    videos = [video_image(mode, image(3).astype(dtype).tobytes(), 3) for mode, dtype in GREY.items()]
    videos.append(video_image(6, image(3).astype("u1").tobytes() * 3, 3))
    lines = "".join(f"{kind} {data.hex()}\n" for kind, data in arrays + videos)
    command = [str(PYTHON), "-c", DECODE]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, cwd="/")
    ours = [decode_data_array(one) for one in arrays]
    ours += [decoded.values for one in videos if (decoded := decode_video_image(one)) is not None]
    expected = [[values.tolist(), values.dtype.str] for values in ours]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


@pytest.fixture(scope="module")
def seen(redis_server: EmbeddedRedis) -> dict[str, Any]:
    """What the client sees of a session with two scans."""
    with redis_server.client() as client:
        client.flushall()
        session = SessionPublisher(client, "demo_session")
        dataset = session.dataset("/data/visitor", "hg123", "iron", metadata={"Sample_name": "iron"})
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            publish_points(scan)
        with dataset.scan(ScanSpec("ct", (timer(),), save=False)) as scan:
            scan.prepare()
            scan.end("<class 'RuntimeError'>")
    return everything(redis_server, "demo_session")


DATASET = "demo_session:data:visitor:hg123:iron:iron_0001"
SCAN = f"{DATASET}:1_loopscan"


def test_the_client_sees_all_nodes(seen: dict[str, Any]) -> None:
    types = {node["key"]: node["type"] for node in seen["nodes"]}
    assert types["demo_session:data"] == "container"
    assert types["demo_session:data:visitor:hg123"] == "proposal"
    assert types["demo_session:data:visitor:hg123:iron"] == "dataset_collection"
    assert types[DATASET] == "dataset"
    assert types[SCAN] == types[f"{DATASET}:_1_ct"] == "scan"
    assert types[f"{SCAN}:timer"] == "None"
    assert sum(kind == "channel" for kind in types.values()) == 2 + len(DETECTORS.channels) + 2
    assert seen["scans"] == ["1_loopscan", "_1_ct"]
    assert all(node["parent"] == node["key"].rpartition(":")[0] for node in seen["nodes"])


def test_the_client_sees_the_scan_info(seen: dict[str, Any]) -> None:
    (info,) = [node["info"] for node in seen["nodes"] if node["key"] == SCAN]
    assert info["title"] == "loop é"
    assert info["state"] == "DONE"
    assert info["node_name"] == SCAN
    assert info["positioners"]["positioners_dial_end"] == {"samx": -3.5}
    assert info["sample"]["name"] == "iron"
    assert info["channels"]["det:image"]["dim"] == 2
    assert info["acquisition_chain"]["timer"]["images"] == ["det:image"]
    assert "sleep_time" not in info
    (metadata,) = [node["info"] for node in seen["nodes"] if node["key"] == DATASET]
    assert metadata["Sample_name"] == "iron"


@pytest.mark.parametrize("spec", DETECTORS.channels, ids=lambda spec: spec.name)
def test_the_client_sees_a_channel(spec: ChannelSpec, seen: dict[str, Any]) -> None:
    (node,) = [node for node in seen["nodes"] if node["key"] == f"{SCAN}:timer:det:{spec.name}"]
    assert node["name"] == f"det:{spec.name}"
    assert node["shape"] == list(spec.shape)
    assert np.dtype(node["dtype"]) == np.dtype(spec.dtype)
    assert node["unit"] == spec.unit
    assert node["len"] == 6
    expected = [np.asarray(value_of(spec.name, point)).tolist() for point in range(6)]
    assert node["all"]["values"] == expected
    last = node["last"]
    assert (last["values"] if isinstance(last, dict) and "values" in last else last) == expected[-1]


def test_the_client_sees_all_points_as_events(seen: dict[str, Any]) -> None:
    for spec in DETECTORS.channels:
        key = f"{SCAN}:timer:det:{spec.name}"
        events = [one for one in seen["events"] if one["event"] == "NEW_DATA" and one["key"] == key]
        assert [(event["first_index"], event["block_size"]) for event in events] == [(0, 6)]
        expected = [np.asarray(value_of(spec.name, point)).tolist() for point in range(6)]
        assert events[0]["data"]["values"] == expected


def test_the_client_sees_the_end_and_the_exception(seen: dict[str, Any]) -> None:
    ends = {one["key"]: one["description"] for one in seen["events"] if one["event"] == "END_SCAN"}
    assert ends == {SCAN: "", f"{DATASET}:_1_ct": "<class 'RuntimeError'>"}
    prepared = [one["key"] for one in seen["events"] if one["event"] == "PREPARED_SCAN"]
    assert sorted(prepared) == sorted(ends)


def test_a_client_that_listens_sees_each_step_in_order(
    redis_server: EmbeddedRedis, redis_client: redis.Redis
) -> None:
    session = SessionPublisher(redis_client, "demo_session")
    dataset = session.dataset("/data/visitor", "hg123", "iron")
    with new_events(redis_server, "demo_session") as events:
        with dataset.scan(SPEC) as scan:
            first = next(events)
            assert (first["event"], first["key"]) == ("NEW_NODE", SCAN)
            scan.prepare()
            publish_points(scan)
        told = list(events)
    kinds = [event["event"] for event in told]
    nodes = kinds.count("NEW_NODE")
    assert nodes == 2 + len(scan.channels)
    assert kinds[nodes] == "PREPARED_SCAN"
    assert set(kinds[nodes + 1 : -1]) == {"NEW_DATA"}
    assert kinds[-1] == "END_SCAN"
    points = {channel.key: 0 for channel in scan.channels.values()}
    for event in told[nodes + 1 : -1]:
        assert event["first_index"] == points[event["key"]]
        points[event["key"]] += event["block_size"]
    assert set(points.values()) == {6}


def test_what_a_real_publisher_sends_is_watched(redis_server: EmbeddedRedis) -> None:
    with Watch.of_session("by_hand", connect(redis_server.url)) as watch:
        with start_client(redis_server, "by_hand", "make") as publisher:
            ended = next(happening for happening in watch if isinstance(happening, ScanEnded))
        assert publisher.returncode == 0
    assert (ended.reason, ended.exception, ended.name) == ("SUCCESS", "", "1_scan")
    points = {"timer:diode": 4, "timer:image": 3, "scans": 1}
    assert ended.channels == {name: ChannelProgress(number) for name, number in points.items()}


def test_replayed_recordings_are_read_as_well(
    redis_server: EmbeddedRedis, redis_client: redis.Redis, captures: Path
) -> None:
    replay(Recording(captures / "loopscan10"), redis_client)
    seen = everything(redis_server, "demo_session")
    lengths = {node["name"]: node["len"] for node in seen["nodes"] if node["type"] == "channel"}
    assert len(lengths) == 7
    assert set(lengths.values()) == {10}
    assert [one["description"] for one in seen["events"] if one["event"] == "END_SCAN"] == [""]
