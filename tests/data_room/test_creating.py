"""Nodes that a program makes and publishes with itself, by the names of blissdata 0.3."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data import EventType
from nexus_writer.data.nodes import (
    ChannelDataNode,
    DataNode,
    LimaImageChannelDataNode,
    NodeRefChannelNode,
    ScanNode,
    create_node,
    datanode_factory,
    get_data_from_nodes,
    get_node,
    get_or_create_node,
    get_session_node,
)
from nexus_writer.data.nodes.channel import NotInPipeline
from nexus_writer.data.publishing import WrongShape
from nexus_writer.data.recording import Recording, replay

POINT = {"reference": False, "dtype": float, "shape": (), "unit": "V"}


@pytest.fixture
def session(redis_client: redis.Redis) -> DataNode:
    return get_or_create_node("session", node_type="container", connection=redis_client)


@pytest.fixture
def scan(session: DataNode) -> ScanNode:
    node = create_node("1_scan", "scan", parent=session, info={"title": "a scan", "state": "PREPARING"})
    assert isinstance(node, ScanNode)
    return node


@pytest.fixture
def channel(scan: ScanNode) -> ChannelDataNode:
    device = create_node("timer", parent=scan)
    more: dict[str, Any] = {"shape": (), "dtype": float, "unit": "V"}
    node = create_node("diode", "channel", device, channel_name="timer:diode", fullname="timer:diode", **more)
    assert isinstance(node, ChannelDataNode)
    return node


def fresh(node: DataNode) -> Any:
    """As another program has it."""
    return get_node(node.db_name, node.connection)


class TestMaking:
    def test_a_node_below_another(self, session: DataNode, scan: ScanNode, channel: ChannelDataNode) -> None:
        assert scan.db_name == "session:1_scan" and scan.type == "scan" and scan.parent == session
        assert scan.new_node and session.new_node and not fresh(scan).new_node
        assert scan.info.get_all() == {"title": "a scan", "state": "PREPARING", "node_name": "session:1_scan"}
        assert [node.db_name for node in session.walk(wait=False)] == [
            "session:1_scan",
            "session:1_scan:timer",
            "session:1_scan:timer:diode",
        ]
        assert fresh(channel.parent).type == "None"
        found = fresh(channel)
        assert (found.name, found.shape, found.dtype, found.unit) == ("timer:diode", (), float, "V")
        assert found.info["fullname"] == found.fullname == "timer:diode" and len(found) == 0
        assert found.version == (1, 1)

    def test_announced_later(self, session: DataNode) -> None:
        nodes = [create_node(name, "scan", session, add_to_parent=False) for name in ("1_a", "2_b")]
        assert list(session.children()) == [] and nodes[0].parent == session
        session.add_children(*nodes)
        assert list(session.children()) == nodes

    def test_whatever_is_there(self, session: DataNode, scan: ScanNode) -> None:
        again = create_node("session:1_scan", "scan", connection=session.connection, info={"title": "other"})
        assert again.new_node and again == scan and scan.info["title"] == "other"

    def test_a_dataset_has_begun(self, session: DataNode) -> None:
        dataset: Any = create_node("sample_0001", "dataset", session, info={"Sample_name": "iron"})
        assert isinstance(dataset.start_date, datetime) and dataset.metadata_fields == {
            "startDate",
            "Sample_name",
            "node_name",
        }
        assert dataset.get_metadata_fields("Sample") == {"Sample_name"}

    def test_without_a_connection_the_environment_says_where(
        self, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NEXUS_WRITER_REDIS_URL", redis_url)
        with create_node("session", "container").connection as client:
            assert client.exists("session", "session_children_list") == 2


class TestGettingOrMaking:
    def test_it_is_made_once(self, session: DataNode) -> None:
        first = get_or_create_node("data", node_type="container", parent=session)
        again = get_or_create_node("data", node_type="scan", parent=session)
        assert first.new_node and not again.new_node
        assert again.type == "container", "the type of a node that is there counts"
        assert list(session.children()) == [first]
        assert get_or_create_node("session:data", connection=session.connection) == first

    def test_one_that_is_not_complete_is_made_anew(self, session: DataNode) -> None:
        session.connection.hset("session:data", mapping={"version": "None", "node_type": "container"})
        assert not get_or_create_node("data", parent=session, state="exists").new_node
        assert get_or_create_node("data", node_type="container", parent=session).new_node

    def test_an_orphan_gets_its_parent(self, session: DataNode) -> None:
        alone = create_node("session:data", "container", connection=session.connection)
        assert alone.parent is None
        assert datanode_factory("data", parent=session).parent is None
        assert get_or_create_node("data", parent=session).parent == session

    @pytest.mark.parametrize(("node_type", "kind"), [("channel", ChannelDataNode), ("scan", ScanNode)])
    def test_one_that_does_not_exist(self, session: DataNode, node_type: str, kind: type) -> None:
        node = datanode_factory("later", node_type, session)
        assert type(node) is kind and node.type == node_type
        assert not node.exists and not node.new_node and not session.connection.exists("session:later")
        create_node("later", "dataset", session)
        assert node.type == "dataset", "what is there counts"

    def test_a_state_that_there_is_not(self, session: DataNode) -> None:
        with pytest.raises(ValueError, match="'ready' is not a valid NodeState"):
            datanode_factory("later", state="ready", connection=session.connection)


class TestStore:
    """Points."""

    def test_points_and_blocks(self, channel: ChannelDataNode) -> None:
        for data in (
            1.5,
            np.float64(2.5),
            np.array(3.5),
            [4.5],
            [5.5, 6.5],
            np.array([7.5, 8.5]),
            [],
            np.empty(0),
        ):
            channel.store({"description": POINT, "data": data})
        channel.store({"description": POINT})
        expected = np.arange(1.5, 9)
        np.testing.assert_array_equal(fresh(channel).get(0, -1), expected)
        assert len(channel) == 8

    def test_points_that_are_arrays(self, channel: ChannelDataNode) -> None:
        description = {**POINT, "shape": (2,), "dtype": np.uint16}
        channel.store({"description": description, "data": np.array([1, 2], "u2")})
        channel.store({"description": description, "data": np.array([[3, 4]], "u2")})
        channel.store({"description": description, "data": [[5, 6], [7, 8]]})
        found = fresh(channel).get(0, -1)
        assert found.dtype == "u2" and found.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
        with pytest.raises(WrongShape, match=r"shape \(2,\)"):
            channel.store({"description": description, "data": np.zeros((1, 2, 3))})

    def test_texts_and_objects(self, channel: ChannelDataNode) -> None:
        channel.store({"description": {**POINT, "dtype": str}, "data": "größe"})
        channel.store({"description": {**POINT, "dtype": str}, "data": ["a", ""]})
        assert list(fresh(channel).get(0, -1)) == ["größe", "a", ""]

    def test_another_program_goes_on(self, channel: ChannelDataNode) -> None:
        channel.store({"description": POINT, "data": [0.0, 1.0]})
        fresh(channel).store({"description": POINT, "data": [2.0, 3.0]})
        assert list(fresh(channel)) == [0, 1, 2, 3]
        with pytest.raises(redis.ResponseError, match="equal or smaller"):
            channel.store({"description": POINT, "data": 9.0})

    def test_by_a_pipeline(self, channel: ChannelDataNode) -> None:
        with channel.connection.pipeline() as pipeline:
            channel.store({"description": POINT, "data": 0.0}, cnx=pipeline)
            channel.store({"description": POINT, "data": 1.0}, cnx=pipeline)
            assert len(fresh(channel)) == 0
            pipeline.execute()
        assert list(fresh(channel)) == [0, 1]

    def test_redis_keeps_the_last_entries(self, channel: ChannelDataNode) -> None:
        with channel.connection.pipeline() as pipeline:
            for point in range(5000):
                channel.store({"description": POINT, "data": float(point)}, cnx=pipeline)
            pipeline.execute()
        assert 2048 <= channel.connection.xlen("session:1_scan:timer:diode_data") < 2300
        assert len(fresh(channel)) == 5000

    def test_references_to_nodes(self, session: DataNode, scan: ScanNode) -> None:
        references = create_node("scans", "node_ref_channel", scan)
        assert isinstance(references, NodeRefChannelNode)
        references.store({"description": {**POINT, "dtype": str, "reference": True}, "data": scan.db_name})
        assert fresh(references)[0] == scan and fresh(references)[...] == [scan]

    def test_a_camera(self, scan: ScanNode, redis_client: redis.Redis) -> None:
        camera = create_node("image", "lima", scan, shape=(4, 6), dtype=np.uint16, channel_name="cam:image")
        assert isinstance(camera, LimaImageChannelDataNode)
        said = {"saving_mode": "AUTO_FRAME", "saving_format": "HDF5", "saving_directory": "/data"}
        camera.store({"data": {"in_prepare": True, "server_url": "//lima"}, "description": said})
        camera.store({"data": {"last_image_ready": 1}})
        camera.store({"data": {"last_image_ready": 4, "last_image_saved": 2}})
        found = fresh(camera)
        expected = {"server_url": "//lima", "lima_acq_nb": 1, "last_image_ready": 4, "last_image_saved": 2}
        assert found.status == expected, "and nothing of preparing"
        assert found.first_ref_data == said and found.info["saving_format"] == "HDF5" and len(found) == 5
        assert set(camera.get_db_names(include_parents=False)) == {
            *(f"session:1_scan:image{suffix}" for suffix in ("", "_info", "_data", "_data_ref")),
            "//lima",
        }
        found.store({"data": expected | {"last_image_ready": 5}})
        assert len(found) == 6 and redis_client.xlen("session:1_scan:image_data") == 3
        camera.store({"data": {"in_prepare": True, "server_url": "//lima"}, "description": said})
        assert redis_client.get("//lima") == b"2" and len(camera.all_ref_data) == 2


class TestScans:
    def test_its_life_as_others_see_it(
        self, session: DataNode, scan: ScanNode, channel: ChannelDataNode
    ) -> None:
        scan.info["positioners"] = {"start": {"samx": 1.0}, "units": {"samx": "mm"}}
        scan.info["sleep_time"] = 3
        scan.prepared({"positioners": {"start": {"samy": 2.0}}, "sleep_time": None, "new": 1})
        channel.store({"description": POINT, "data": [0.0, 1.0]})
        scan.end({"positioners": {"end": {"samx": 1.5}}}, exception=RuntimeError)
        info = fresh(scan).info.get_all()
        assert info["positioners"] == {
            "start": {"samx": 1.0, "samy": 2.0},
            "units": {"samx": "mm"},
            "end": {"samx": 1.5},
        }
        assert "sleep_time" not in info and info["new"] == 1 and info["title"] == "a scan"
        assert (
            isinstance(info["end_time"], datetime)
            and abs(info["end_timestamp"] - info["end_time"].timestamp()) < 1
        )
        events = list(session.walk_events(wait=False))
        assert [event.type for event in events if event.node == scan] == [
            EventType.NEW_NODE,
            EventType.PREPARED_SCAN,
            EventType.END_SCAN,
        ]
        ends = [event.data for event in events if event.type is EventType.END_SCAN]
        assert [one.description for one in ends if one] == ["<class 'RuntimeError'>"]

    @pytest.mark.parametrize("exception", [None, ""])
    def test_one_that_went_well(self, session: DataNode, scan: ScanNode, exception: str | None) -> None:
        scan.end({}, exception)
        (end,) = [event.data for event in session.walk_events(wait=False) if event.type is EventType.END_SCAN]
        assert end is not None and end.description == ""

    def test_only_who_made_it_may(self, scan: ScanNode) -> None:
        fresh(scan).prepared({"title": "other"})
        fresh(scan).end({"title": "other"}, RuntimeError)
        assert scan.info["title"] == "a scan"
        assert (
            scan.connection.xlen("session:1_scan_end") == scan.connection.xlen("session:1_scan_prepared") == 0
        )


class TestPipelines:
    """Reading several channels at once."""

    def test_all_points_of_several(self, channel: ChannelDataNode, scan: ScanNode) -> None:
        other: Any = create_node("other", "channel", channel.parent, channel_name="timer:other")
        camera = create_node("image", "lima", channel.parent, channel_name="cam:image")
        channel.store({"description": POINT, "data": [0.0, 1.0]})
        found = dict(get_data_from_nodes(channel.connection.pipeline(), camera, channel, scan, other))
        assert list(found) == ["timer:diode", "timer:other", "cam:image"]
        assert found["timer:diode"].tolist() == [0, 1] and len(found["timer:other"]) == 0
        assert found["cam:image"].last_index == 0

    def test_a_channel_whose_connection_is_one(self, channel: ChannelDataNode) -> None:
        channel.store({"description": POINT, "data": [0.0, 1.0]})
        node = fresh(channel)
        with channel.connection.pipeline() as pipeline:
            node.replace_connection(pipeline)
            functions = [node.get(0, -1), node.get(-1)]
            with pytest.raises(NotInPipeline, match=r"ask for all points, get\(0, -1\)"):
                node.get(1, 2)
            replies = pipeline.execute()
        points, last = (function(reply) for function, reply in zip(functions, replies, strict=True))
        assert points.tolist() == [0, 1] and last == 1.0


def channels_of(session: str, client: redis.Redis) -> dict[str, DataNode]:
    """By their keys without the name of the session."""
    nodes = get_session_node(session, client).walk("channel", wait=False)
    return {node.db_name.partition(":")[2]: node for node in nodes}


def test_a_recorded_scan_made_again(captures: Path, redis_client: redis.Redis) -> None:
    """What is read of a recording, published by these names in another session, reads the same."""
    replay(Recording(captures / "loopscan10" / "timeline.jsonl.gz"), redis_client)
    source = get_session_node("demo_session", redis_client)
    made: dict[str, DataNode] = {"demo_session": create_node("copy", "container", connection=redis_client)}
    for node in source.walk(wait=False):
        parent = made[node.db_name.rpartition(":")[0]]
        channel_name = node.name if isinstance(node, ChannelDataNode) else None
        info = node.info.get_all()
        more: dict[str, Any] = {name: info.get(name) for name in ("shape", "dtype", "unit", "fullname")}
        short = node.db_name.rpartition(":")[2]
        copy = create_node(short, node.type, parent, info=info, channel_name=channel_name, **more)
        made[node.db_name] = copy
        if isinstance(node, ChannelDataNode) and isinstance(copy, ChannelDataNode):
            description = {**POINT, "dtype": node.dtype, "shape": node.shape}
            copy.store({"description": description, "data": node.get(0, -1)})
    (scan,) = [node for node in made.values() if isinstance(node, ScanNode)]
    scan.prepared({})
    scan.end({})
    original, again = (
        {
            node.db_name.partition(":")[2]: node
            for node in get_session_node(name, redis_client).walk("channel", wait=False)
        }
        for name in ("demo_session", "copy")
    )
    assert list(original) == list(again) and len(again) == 7
    for key, node in original.items():
        copy = again[key]
        assert isinstance(node, ChannelDataNode) and isinstance(copy, ChannelDataNode)
        assert (node.name, node.shape, node.dtype, node.unit) == (
            copy.name,
            copy.shape,
            copy.dtype,
            copy.unit,
        )
        np.testing.assert_array_equal(node.get(0, -1), copy.get(0, -1))
