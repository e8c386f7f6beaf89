"""Nodes."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.nodes import (
    ChannelDataNode,
    DataNode,
    DataNodeContainer,
    DatasetCollectionNode,
    DatasetNode,
    LimaImageChannelDataNode,
    NodeRefChannelNode,
    ProposalNode,
    ScanGroupNode,
    ScanNode,
    filter_node_names,
    get_filtered_nodes,
    get_node,
    get_nodes,
    get_session_node,
)
from nexus_writer.data.nodes.channel import PointsTrimmed
from nexus_writer.data.recording import Recording, replay
from tests.data_room.by_hand import HandPublisher, add_entry


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def device(publisher: HandPublisher) -> str:
    return publisher.below(publisher.scan(), "timer", "None")


def node_at(client: redis.Redis, key: str) -> Any:
    node = get_node(key, client)
    assert node is not None
    return node


class TestFinding:
    """From a key to a node."""

    def test_a_session_that_does_not_exist(self, redis_client: redis.Redis) -> None:
        session = get_session_node("later", redis_client)
        assert (session.type, session.exists, session.initialized, session.supported) == (
            None,
            False,
            False,
            False,
        )
        assert session.name == "later"
        assert list(session.children()) == []
        HandPublisher(redis_client, "later")
        assert (session.type, session.exists, session.supported) == ("container", True, True)

    @pytest.mark.parametrize(
        ("version", "states"),
        [
            (None, set()),
            ("None", {"exists"}),
            ("v2.0", {"exists", "initialized"}),
            ("v1.1", {"exists", "initialized", "supported"}),
        ],
    )
    @pytest.mark.parametrize("state", ["exists", "initialized", "supported"])
    def test_states(
        self, redis_client: redis.Redis, version: str | None, states: set[str], state: str
    ) -> None:
        if version is not None:
            redis_client.hset("s:n", mapping={"version": version, "node_type": "container", "db_name": "s:n"})
        node = get_node("s:n", redis_client, state=state)
        assert (node is not None) == (state in states)

    def test_several_by_one_round_trip(self, publisher: HandPublisher, device: str) -> None:
        nodes = get_nodes("session", "gone", device, connection=publisher.client)
        assert [node and node.db_name for node in nodes] == ["session", None, device]
        assert get_nodes(connection=publisher.client) == []

    @pytest.mark.parametrize(
        ("node_type", "kind"),
        [
            ("container", DataNodeContainer),
            ("None", DataNodeContainer),
            ("something new", DataNodeContainer),
            ("proposal", ProposalNode),
            ("dataset_collection", DatasetCollectionNode),
            ("dataset", DatasetNode),
            ("scan", ScanNode),
            ("scan_group", ScanGroupNode),
            ("channel", ChannelDataNode),
            ("lima", LimaImageChannelDataNode),
            ("node_ref_channel", NodeRefChannelNode),
        ],
    )
    def test_the_class_goes_by_the_type(self, publisher: HandPublisher, node_type: str, kind: type) -> None:
        node = get_node(publisher.below("session", "n", node_type), publisher.client)
        assert type(node) is kind
        assert node.type == node.node_type == node_type

    def test_without_a_connection_the_environment_says_where(
        self, monkeypatch: pytest.MonkeyPatch, publisher: HandPublisher, device: str, redis_url: str
    ) -> None:
        monkeypatch.setenv("NEXUS_WRITER_REDIS_URL", redis_url)
        node = get_node(device)
        assert node is not None and node.name == "timer"
        session = get_session_node("session")
        assert session.exists
        for one in (node, session):
            one.connection.close()


class TestTree:
    """Parents and children."""

    def test_names(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.channel(device, "epoch")
        publisher.client.hset(key, "name", "timer:epoch")
        channel = node_at(publisher.client, key)
        assert (channel.name, channel.fullname, channel.short_name) == ("timer:epoch", "timer:epoch", "epoch")
        assert channel.db_name == key
        assert repr(channel) == f"<ChannelDataNode {key}>"
        assert channel == node_at(publisher.client, key) and channel in {node_at(publisher.client, key)}

    def test_parents_up_to_the_session(self, publisher: HandPublisher, device: str) -> None:
        node: DataNode | None = node_at(publisher.client, publisher.channel(device, "epoch"))
        keys = []
        while node is not None:
            keys.append(node.db_name)
            node = node.parent
        assert keys == [f"{device}:epoch", device, "session:1_scan", "session"]

    def test_children_in_order_each_once_without_those_that_are_gone(
        self, publisher: HandPublisher, device: str
    ) -> None:
        keys = [publisher.channel(device, name) for name in ("c", "a", "b")]
        publisher.announce(keys[0], device)
        publisher.client.delete(keys[1])
        parent = node_at(publisher.client, device)
        assert [child.db_name for child in parent.children()] == [keys[0], keys[2]]
        assert [child.db_name for child in parent.get_children()] == [keys[0], keys[2]]

    def test_children_that_are_gone_are_purged_when_it_is_asked_for(
        self, publisher: HandPublisher, device: str
    ) -> None:
        keys = [publisher.channel(device, name) for name in ("c", "a", "b")]
        publisher.announce(keys[1], device)
        publisher.client.hset(keys[2], "version", "v2.0")
        publisher.client.delete(keys[1])
        parent = node_at(publisher.client, device)
        for purge, announced in ((False, 4), (True, 2)):
            assert [child.db_name for child in parent.children(purge=purge)] == [keys[0]]
            assert publisher.client.xlen(f"{device}_children_list") == announced
        assert parent.children_keys() == [keys[0], keys[2]], "another version is there, and stays"

    def test_child_containers(self, publisher: HandPublisher, device: str) -> None:
        publisher.channel("session:1_scan", "loose")
        other = publisher.scan("1_scan2")
        scan = node_at(publisher.client, "session:1_scan")
        assert [child.db_name for child in scan.get_child_containers()] == ["session:1_scan", device]
        session = node_at(publisher.client, "session")
        every = ["session", "session:1_scan", other, device]
        assert [child.db_name for child in session.get_child_containers()] == every
        filtered = session.get_child_containers(include_filter="scan", exclude_children="scan")
        assert [child.db_name for child in filtered] == ["session:1_scan", other]
        without = session.get_child_containers(exclude_children=lambda node: node.name == "1_scan")
        assert [child.db_name for child in without] == ["session", "session:1_scan", other]

    def test_the_last_child_container(self, publisher: HandPublisher, device: str) -> None:
        session = node_at(publisher.client, "session")
        assert session.get_last_child_container().db_name == device
        other = publisher.scan("2_scan")
        assert session.get_last_child_container().db_name == other
        late = publisher.below(device, "late", "None")
        assert session.get_last_child_container().db_name == late
        assert session.get_last_child_container(exclude_children=("scan",)).db_name == other
        first = session.get_last_child_container(include_filter=lambda node: node.name.startswith("1_"))
        assert first.db_name == "session:1_scan"
        assert node_at(publisher.client, late).get_last_child_container().db_name == late, "itself"
        assert session.get_last_child_container(include_filter="dataset") is None
        publisher.client.delete("session:2_scan")
        assert session.get_last_child_container().db_name == late

    def test_where_a_parent_announced_it(self, publisher: HandPublisher, device: str) -> None:
        first = publisher.client.xrange("session:1_scan_children_list")[0][0]
        node = node_at(publisher.client, device)
        assert node.get_children_stream_index() == first
        publisher.announce(device, "session:1_scan")
        again = publisher.client.xrange("session:1_scan_children_list")[-1][0]
        assert node.get_children_stream_index() == again != first
        assert node_at(publisher.client, "session").get_children_stream_index() is None
        publisher.client.delete("session:1_scan_children_list")
        assert node.get_children_stream_index() is None

    def test_expiry_and_clearing(self, publisher: HandPublisher, device: str) -> None:
        scan = node_at(publisher.client, "session:1_scan")
        keys = scan.get_settings()
        suffixes = ("", "_info", "_children_list", "_end", "_prepared")
        assert [key.name for key in keys] == [f"session:1_scan{suffix}" for suffix in suffixes]
        assert [key.exists for key in keys] == [True, True, True, False, False]
        assert keys[0].ttl() == -1 and keys[3].ttl() == -2
        assert 0 < keys[0].ttl(100) <= 100 and keys[0].ttl(None) == -1
        keys[1].clear()
        assert scan.info.get_all() == {} and not keys[1].exists

    def test_the_dataset_of_a_scan(self, publisher: HandPublisher) -> None:
        dataset = publisher.below("session", "sample_0001", "dataset")
        scan = node_at(publisher.client, publisher.scan(parent=dataset))
        assert scan.dataset == node_at(publisher.client, dataset)

    def test_settings(self, publisher: HandPublisher, device: str) -> None:
        publisher.client.hset(device, "last_scan_number", "3")
        assert node_at(publisher.client, device).settings()["last_scan_number"] == "3"

    def test_keys_in_redis(self, publisher: HandPublisher, device: str) -> None:
        channel = node_at(publisher.client, publisher.channel(device, "epoch"))
        publisher.points(channel.db_name, [1.0])
        own = [channel.db_name, f"{channel.db_name}_info", f"{channel.db_name}_data"]
        assert channel.get_db_names(include_parents=False) == own
        every = {key.decode() for key in publisher.client.scan_iter()}
        assert set(channel.get_db_names()) == every
        assert len(channel.get_db_names()) == len(every)

    def test_other_nodes_by_its_connection(self, publisher: HandPublisher, device: str) -> None:
        node = node_at(publisher.client, device)
        assert node.get_node("session").type == "container"
        publisher.client.hset("half", mapping={"version": "None", "node_type": "scan"})
        assert node.get_node("half") is None and node.get_node("half", state="exists").type == "scan"
        assert [one and one.db_name for one in node.get_nodes(device, "gone")] == [device, None]

    @pytest.mark.parametrize(
        ("types", "excluded", "strict", "expected"),
        [
            (None, None, True, ["session", "1_scan", "timer", "epoch", "1_scan2", "gone"]),
            ("scan", None, True, ["1_scan", "1_scan2"]),
            (("None", "channel"), None, True, ["timer", "epoch"]),
            (None, "None", True, ["session", "1_scan", "1_scan2", "gone"]),
            (None, "None", False, ["session", "1_scan", "timer", "1_scan2", "gone"]),
            ("channel", ("scan", "dataset"), True, []),
            (("scan", "channel"), "scan", False, ["1_scan", "1_scan2"]),
        ],
    )
    def test_by_their_types(
        self,
        publisher: HandPublisher,
        device: str,
        types: Any,
        excluded: Any,
        strict: bool,
        expected: list[str],
    ) -> None:
        names = ["session", "session:1_scan", device, publisher.channel(device, "epoch")]
        names += [publisher.scan("1_scan2"), "gone"]
        client = publisher.client
        found = filter_node_names(
            *names,
            include_types=types,
            recursive_exclude_types=excluded,
            strict_recursive_exclude=strict,
            connection=client,
        )
        assert [name.rpartition(":")[2] for name in found] == expected
        kept = [name for name in expected if name != "gone"]
        nodes = get_filtered_nodes(
            *names,
            include_filter=types,
            recursive_exclude=excluded,
            strict_recursive_exclude=strict,
            connection=client,
        )
        assert [node.name for node in nodes] == kept
        asked = None if types is None else lambda node: node.type in types
        by_node = node_at(client, "session").get_filtered_nodes(
            *names, include_filter=asked, recursive_exclude=excluded, strict_recursive_exclude=strict
        )
        assert [node.name for node in by_node] == kept

    def test_another_connection(self, publisher: HandPublisher, redis_url: str) -> None:
        scan = node_at(publisher.client, publisher.scan())
        assert scan.info["title"] == "a scan"
        with redis.Redis.from_url(redis_url) as other:
            scan.replace_connection(other)
            assert scan.connection is scan.db_connection is other
            assert scan.info["title"] == "a scan" and scan.exists

    def test_dataset_info(self, publisher: HandPublisher) -> None:
        start = datetime(2026, 11, 20, 6, 32)
        info = {
            "__path__": "/data",
            "__closed__": False,
            "startDate": start,
            "Sample_name": "s",
            "Sample_x": 1,
        }
        dataset = node_at(publisher.client, publisher.below("session", "d", "dataset", info))
        assert (dataset.path, dataset.is_closed, dataset.is_registered) == ("/data", False, False)
        assert (dataset.start_date, dataset.end_date) == (start, None)
        assert dataset.metadata == {"startDate": start, "Sample_name": "s", "Sample_x": 1}
        assert dataset.get_metadata("Sample_") == {"Sample_name": "s", "Sample_x": 1}
        dataset.info["__closed__"] = True
        assert dataset.is_closed

    @pytest.mark.parametrize("name", ["loopscan10", "sequence", "lima_two"])
    def test_a_recorded_session(self, name: str, captures: Path, redis_client: redis.Redis) -> None:
        recording = Recording(captures / name)
        replay(recording, redis_client)
        scans = [node_at(redis_client, scan.key) for scan in recording.scans]
        for scan in scans:
            assert scan.name == scan.info["node_name"].rpartition(":")[2]
            assert isinstance(scan.dataset, DatasetNode)
            assert isinstance(scan.dataset.parent.parent, ProposalNode)
            assert scan.info.get_all()["state"] == "DONE"
        assert scans == [child for child in scans[0].dataset.children() if child in scans]


class TestPoints:
    """Points of a channel."""

    LENGTH = 10

    @pytest.fixture(params=["single points", "blocks", "mixed"])
    def channel(
        self, request: pytest.FixtureRequest, publisher: HandPublisher, device: str
    ) -> ChannelDataNode:
        """0.0, 1.0, ... 9.0 in entries of several kinds."""
        key = publisher.channel(device, "epoch")
        values = np.arange(self.LENGTH, dtype=float)
        if request.param == "single points":
            publisher.points(key, list(map(float, values)))
        elif request.param == "blocks":
            publisher.block(key, values[:4])
            publisher.block(key, values[4:], start=4)
        else:
            publisher.points(key, [0.0])
            publisher.block(key, values[1:9], start=1)
            publisher.points(key, [9.0], start=9)
        node = node_at(publisher.client, key)
        assert isinstance(node, ChannelDataNode)
        return node

    @pytest.mark.parametrize("index", [*range(-12, 13)])
    def test_one(self, channel: ChannelDataNode, index: int) -> None:
        values = list(np.arange(self.LENGTH, dtype=float))
        if -self.LENGTH <= index < self.LENGTH:
            assert channel[index] == values[index]
            assert channel.get(index) == values[index]
        else:
            with pytest.raises(IndexError):
                channel[index]
            assert channel.get(index) is None

    @pytest.mark.parametrize("first", [0, 1, 4, 9, 10, 15])
    @pytest.mark.parametrize("last", [-1, 0, 3, 5, 9, 12])
    def test_a_range_has_both_ends(self, channel: ChannelDataNode, first: int, last: int) -> None:
        stop = self.LENGTH if last < 0 else last + 1
        expected = np.arange(self.LENGTH, dtype=float)[first:stop]
        np.testing.assert_array_equal(channel.get(first, last), expected)
        np.testing.assert_array_equal(channel.get_as_array(first, last), expected)

    @pytest.mark.parametrize("start", [None, 0, 3, -4, 20])
    @pytest.mark.parametrize("stop", [None, 2, 7, -1, 20])
    @pytest.mark.parametrize("step", [None, 1, 3, -1, -2])
    def test_slices_are_those_of_a_list(
        self, channel: ChannelDataNode, start: int | None, stop: int | None, step: int | None
    ) -> None:
        expected = np.arange(self.LENGTH, dtype=float)[start:stop:step]
        np.testing.assert_array_equal(channel[start:stop:step], expected)

    def test_length_and_iteration(self, channel: ChannelDataNode) -> None:
        assert len(channel) == self.LENGTH
        assert list(channel) == list(range(self.LENGTH))

    @pytest.mark.parametrize("value", [0, 0.0, False, ""])
    def test_falsy_points_are_points(self, publisher: HandPublisher, device: str, value: Any) -> None:
        key = publisher.channel(device, "c")
        publisher.points(key, [value, value])
        channel = node_at(publisher.client, key)
        assert channel[0] == value and channel.get(1) == value and channel[-1] == value

    def test_a_channel_without_points(self, publisher: HandPublisher, device: str) -> None:
        channel = node_at(publisher.client, publisher.channel(device, "c"))
        assert len(channel) == 0 and bool(channel)
        assert channel.get(0) is None and channel.get(-1) is None
        assert len(channel.get(0, -1)) == 0 and len(channel[:]) == 0 and list(channel) == []
        with pytest.raises(IndexError):
            channel[0]

    def test_what_redis_has_dropped(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.channel(device, "c")
        publisher.points(key, [float(i) for i in range(20)], maxlen=5, approximate=False)
        channel = node_at(publisher.client, key)
        assert len(channel) == 20
        assert channel.get(14) is None and channel.get(15) == 15.0
        np.testing.assert_array_equal(channel.get(0, -1), np.arange(15.0, 20.0))
        np.testing.assert_array_equal(channel[15:], np.arange(15.0, 20.0))
        for ask in (lambda: channel.get(3, 17), lambda: channel[14], lambda: channel[10:]):
            with pytest.raises(PointsTrimmed, match="has points from 15 on: read the file"):
                ask()

    def test_no_points_are_of_the_declared_kind(self, publisher: HandPublisher, device: str) -> None:
        kinds = (("a", (), "i4"), ("b", (3,), np.uint16), ("c", (-1,), float), ("d", (), "?!"))
        for name, shape, dtype in kinds:
            channel = node_at(publisher.client, publisher.channel(device, name, shape=shape, dtype=dtype))
            for found in (channel.get(0, -1), channel.get(5, 9), channel[3:], channel[...]):
                assert found.shape == (0, *(max(0, one) for one in shape))
                assert found.dtype == (float if dtype == "?!" else dtype)

    def test_points_of_several_dimensions(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.channel(device, "image", shape=(2, 3), dtype=np.dtype("u2"), unit=None)
        images = np.arange(24, dtype="u2").reshape(4, 2, 3)
        publisher.points(key, list(images[:2]))
        publisher.block(key, images[2:], start=2)
        channel = node_at(publisher.client, key)
        assert (channel.shape, channel.dtype, channel.unit) == ((2, 3), np.dtype("u2"), None)
        np.testing.assert_array_equal(channel.get(0, -1), images)
        np.testing.assert_array_equal(channel[1], images[1])

    def test_points_of_different_lengths(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.channel(device, "ragged", shape=(-1,))
        points = [np.arange(length) for length in (3, 4, 2)]
        publisher.points(key, points)
        channel = node_at(publisher.client, key)
        found = channel.get(0, -1)
        assert [list(point) for point in found] == [[0, 1, 2], [0, 1, 2, 3], [0, 1]]
        filled = channel.get_as_array(0, -1)
        nan = np.nan
        np.testing.assert_array_equal(filled, [[0, 1, 2, nan], [0, 1, 2, 3], [0, 1, nan, nan]])

    def test_strings(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.channel(device, "text", dtype=str)
        publisher.points(key, ["a", "", "größe"])
        assert list(node_at(publisher.client, key).get(0, -1)) == ["a", "", "größe"]

    def test_an_info_that_makes_no_sense(self, publisher: HandPublisher, device: str) -> None:
        channel = node_at(publisher.client, publisher.channel(device, "c", shape=None, unit=3))
        assert (channel.shape, channel.unit) == ((), None)


class TestReferences:
    """Channels of nodes, and cameras."""

    def test_points_are_nodes(self, publisher: HandPublisher, device: str) -> None:
        references = publisher.below(device, "scans_data", "node_ref_channel")
        scans = [publisher.scan(f"{i}_child") for i in (2, 3)]
        publisher.points(references, [*scans, "gone"])
        node = node_at(publisher.client, references)
        assert [one and one.db_name for one in node.get(0, -1)] == [*scans, None]
        assert node.get(0).db_name == node[0].db_name == scans[0]
        assert node.get(2) is None and node.get(9) is None
        assert [one and one.db_name for one in node[1:]] == [scans[1], None]

    def test_a_camera_counts_its_images(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.below(device, "image", "lima", {"shape": (10, 20), "dtype": "u2"})
        camera = node_at(publisher.client, key)
        assert len(camera) == 0 and camera.status == {} and bool(camera)
        status = {"last_image_ready": 4, "server_url": "x"}
        fields: dict[Any, Any] = {"__EVENT__": "LIMAIMAGESTATUS", "__STATUS__": pickle.dumps(status)}
        publisher.client.xadd(f"{key}_data", fields, id="1-0")
        assert len(camera) == 5 and camera.status == status
        assert (camera.shape, camera.dtype) == ((10, 20), "u2")

    def test_a_camera_says_where_it_saves(self, publisher: HandPublisher, device: str) -> None:
        key = publisher.below(device, "image", "lima", {"shape": (10, 20)})
        camera = node_at(publisher.client, key)
        assert (camera.all_ref_data, camera.images_per_file) == ([], 0)
        assert camera.first_ref_data == {"shape": (10, 20)}
        assert camera.references(0, 9) == []
        for per_file in (5, 6):
            saving = {"saving_mode": "AUTO", "saving_directory": "/d", "saving_frame_per_file": per_file}
            publisher.client.rpush(f"{key}_data_ref", pickle.dumps(saving, 4))
        assert [one["saving_frame_per_file"] for one in camera.all_ref_data] == [5, 6]
        assert camera.images_per_file == camera.first_ref_data["saving_frame_per_file"] == 5
        assert [reference.file for reference in camera.references(4, 6)] == ["/d/0000", "/d/0001"]

    def test_a_camera_by_its_key_and_a_plain_client(self, redis_url: str, publisher: HandPublisher) -> None:
        with redis.Redis.from_url(redis_url) as client:
            camera = LimaImageChannelDataNode(connection=client, name="session:cam")
            assert camera.type is None and len(camera) == 0


def test_any_client_will_do(redis_url: str, publisher: HandPublisher, device: str) -> None:
    """RESP3, which newer clients speak by default, and RESP2."""
    key = publisher.channel(device, "epoch")
    add_entry(publisher.client, key, 0, 1, np.float64(5))
    for protocol in (2, 3):
        with redis.Redis.from_url(redis_url, protocol=protocol) as client:
            channel = node_at(client, key)
            assert channel[0] == 5.0 and channel.unit == "s"
            session = get_session_node("session", client)
            assert [node.db_name for node in session.walk(wait=False)] == ["session:1_scan", device, key]
            assert [child.db_name for child in session.children()] == ["session:1_scan"]


@pytest.mark.parametrize("get", [get_session_node, get_node, ScanNode])
def test_an_address_is_no_connection(get: Any, redis_url: str) -> None:
    with pytest.raises(TypeError, match=r"an address of Redis is no connection: give connect\(address\)"):
        get("session", redis_url)
