"""Walks."""

from __future__ import annotations

import contextlib
import itertools
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.connection import connect, server_time_ms
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.events import Event, EventType
from nexus_writer.data.nodes import DataNode, DataNodeContainer, get_node, get_session_node
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.stop_handler import StopHandler
from nexus_writer.data.walk import Walk
from nexus_writer.data.walk_filter import NodeFilter
from tests.data_room.by_hand import HandPublisher
from tests.waiting import wait_until

NEW_NODE, NEW_DATA = EventType.NEW_NODE, EventType.NEW_DATA
PREPARED, END = EventType.PREPARED_SCAN, EventType.END_SCAN
SCANS = ("scan", "scan_group")

SAVING = {
    "saving_mode": "AUTO_FRAME",
    "saving_format": "HDF5",
    "saving_directory": "/data",
    "saving_prefix": "img_",
    "saving_suffix": ".h5",
    "saving_frame_per_file": 2,
    "user_detector_name": "cam",
    "user_instrument_name": "id00",
    "lima_version": "1.9.7",
}


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def session(redis_url: str) -> Iterator[DataNodeContainer]:
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        yield get_session_node("session", client)


@pytest.fixture
def started() -> threading.Event:
    return threading.Event()


def a_scan(publisher: HandPublisher, parent: str, name: str, points: int = 3, ended: bool = True) -> str:
    """One device with two channels, one of them with points."""
    scan = publisher.scan(name, parent=parent)
    device = publisher.below(scan, "timer", "None")
    channels = [publisher.channel(device, channel) for channel in ("epoch", "elapsed")]
    publisher.prepared(scan)
    publisher.points(channels[0], [float(i) for i in range(points)])
    if ended:
        publisher.end(scan)
    return scan


@pytest.fixture
def dataset(publisher: HandPublisher) -> str:
    return publisher.below(publisher.below("session", "data", "container"), "sample_0001", "dataset")


@pytest.fixture
def two_scans(publisher: HandPublisher, dataset: str) -> list[str]:
    return [a_scan(publisher, dataset, f"{i}_loopscan") for i in (1, 2)]


def told(events: list[Event]) -> list[tuple[EventType, str]]:
    return [(event.type, event.node.db_name) for event in events]


def in_one_piece(events: list[Event]) -> list[tuple[EventType, str]]:
    """What was told; points that were read in several pieces, because they came in between, once."""
    return [one for one, _ in itertools.groupby(told(events))]


def names(nodes: Iterator[DataNode]) -> list[str]:
    return [node.db_name for node in nodes]


def let_a_ms_pass(client: redis.Redis) -> None:
    """What was published before is then older than now, by the server's clock."""
    before = server_time_ms(client)
    while server_time_ms(client) == before:
        pass


class Following(threading.Thread):
    """Walks in a thread; ``wait_for`` waits until something was told."""

    def __init__(self, walk: Iterator[Any], started: threading.Event | None = None) -> None:
        super().__init__(daemon=True)
        self.walk = walk
        self.found: list[Any] = []
        self.changed = threading.Condition()
        self.start()
        if started is not None:
            assert started.wait(60)

    def run(self) -> None:
        for one in self.walk:
            with self.changed:
                self.found.append(one)
                self.changed.notify_all()

    def wait_for(self, condition: Callable[[list[Any]], object]) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.found), 20), self.found
            return list(self.found)


def has_ended(events: list[Event]) -> bool:
    return bool(events) and events[-1].type is END


class TestOrder:
    """What comes before what."""

    def test_nodes_level_by_level(
        self, session: DataNodeContainer, dataset: str, two_scans: list[str]
    ) -> None:
        devices = [f"{scan}:timer" for scan in two_scans]
        channels = [f"{device}:{name}" for device in devices for name in ("epoch", "elapsed")]
        expected = ["session:data", dataset, *two_scans, *devices, *channels]
        assert names(session.walk(wait=False)) == expected

    def test_events_of_what_is_there(self, session: DataNodeContainer, two_scans: list[str]) -> None:
        events = list(session.walk_events(wait=False))
        kinds = [event.type for event in events]
        assert kinds == [NEW_NODE] * 10 + [PREPARED] * 2 + [NEW_DATA] * 2 + [END] * 2

    @pytest.mark.parametrize("points", [0, 1, 5000])
    def test_the_end_comes_behind_all_points(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, points: int
    ) -> None:
        scan = a_scan(publisher, dataset, "1_scan", points=points)
        events = list(session.walk_events(wait=False))
        assert told(events)[-1] == (END, scan)
        data = [event.data for event in events if event.type is NEW_DATA and event.data is not None]
        assert sum(one.block_size for one in data) == points
        assert [one.first_index for one in data] == list(np.cumsum([0, *[one.block_size for one in data]]))[
            :-1
        ]

    def test_the_end_of_one_scan_does_not_wait_for_the_backlog_of_another(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        long = a_scan(publisher, dataset, "1_long", points=5000, ended=False)
        short = a_scan(publisher, dataset, "2_short")
        events = told(list(session.walk_events(wait=False)))
        ended = events.index((END, short))
        assert (NEW_DATA, f"{long}:timer:epoch") in events[ended:]

    def test_a_channel_that_appears_with_the_end_is_read(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, started: threading.Event
    ) -> None:
        scan = a_scan(publisher, dataset, "1_scan", ended=False)
        stop = StopHandler()
        following = Following(session.walk_events(stop_handler=stop, started_event=started), started)
        following.wait_for(lambda events: NEW_DATA in [event.type for event in events])
        late = publisher.channel(f"{scan}:timer", "late")
        publisher.points(late, [1.0] * 3000)
        publisher.end(scan)
        events = following.wait_for(has_ended)
        stop.stop()
        late_points = [e.data.block_size for e in events if e.type is NEW_DATA and e.node.db_name == late]
        assert sum(late_points) == 3000

    def test_an_end_that_comes_while_nodes_are_looked_for_waits_for_the_points(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        scan = a_scan(publisher, dataset, "1_scan", ended=False)

        def publish_the_rest(node: DataNode) -> bool:
            if node.db_name == "session:hook":
                publisher.points(f"{scan}:timer:epoch", [1.0] * 100, start=3)
                publisher.end(scan)
            return False

        with session.walk_events(exclude_children=publish_the_rest) as walk:
            assert told([next(walk) for _ in range(8)])[-1] == (NEW_DATA, f"{scan}:timer:epoch")
            publisher.below("session", "hook", "container")
            events = [next(walk)]
            while not has_ended(events):
                events.append(next(walk))
        assert sum(event.data.block_size for event in events if event.type is NEW_DATA and event.data) == 100

    def test_after_its_end_nothing_of_a_scan_is_told(
        self, session: DataNodeContainer, publisher: HandPublisher, two_scans: list[str]
    ) -> None:
        with session.walk_events() as walk:
            assert told([next(walk) for _ in range(16)])[-1] == (END, two_scans[1])
            publisher.points(f"{two_scans[1]}:timer:elapsed", [1.0])
            publisher.below(two_scans[1], "late", "None")
            for name in ("later", "last"):
                publisher.below("session", name, "container")
                assert told([next(walk)]) == [(NEW_NODE, f"session:{name}")]

    def test_a_node_that_is_announced_again_while_walking_comes_once(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        with session.walk_events(exclude_children=SCANS) as walk:
            events = [next(walk), next(walk)]
            for _ in range(3):
                publisher.announce(dataset, "session:data")
            publisher.below("session:data", "another", "dataset")
            events.append(next(walk))
        assert [key for _, key in told(events)] == ["session:data", dataset, "session:data:another"]

    def test_a_node_that_is_announced_again_comes_once(
        self, session: DataNodeContainer, publisher: HandPublisher, two_scans: list[str]
    ) -> None:
        expected = names(session.walk(wait=False))
        publisher.announce(f"{two_scans[0]}:timer", two_scans[0])
        publisher.announce(f"{two_scans[0]}:timer", two_scans[0])
        assert names(session.walk(wait=False)) == expected

    def test_nodes_that_are_gone_or_of_another_format_are_left_out(
        self, session: DataNodeContainer, publisher: HandPublisher, two_scans: list[str], dataset: str
    ) -> None:
        publisher.client.delete(f"{two_scans[0]}:timer:epoch")
        publisher.client.hset(f"{two_scans[1]}:timer", "version", "v2.0")
        publisher.announce(f"{dataset}:never_was", dataset)
        expected = [
            "session:data",
            dataset,
            *two_scans,
            f"{two_scans[0]}:timer",
            f"{two_scans[0]}:timer:elapsed",
        ]
        assert names(session.walk(wait=False)) == expected

    @pytest.mark.parametrize("name", ["1_[ab]*?", "größe µ", "with space", "a\nb", "%s{}"])
    def test_names_may_have_any_characters(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, name: str
    ) -> None:
        scan = a_scan(publisher, dataset, name)
        other = a_scan(publisher, dataset, "1_a")
        events = list(session.walk_events(wait=False))
        assert told(events)[-2:] == [(END, scan), (END, other)]

    def test_a_scan_whose_name_begins_as_that_of_one_that_has_ended(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        a_scan(publisher, dataset, "1_ct")
        running = a_scan(publisher, dataset, "1_ct2", ended=False)
        walk = session.walk_events()
        with walk:
            while next(walk).type is not END:
                pass
            publisher.points(f"{running}:timer:elapsed", [1.0])
            assert told([next(walk)]) == [(NEW_DATA, f"{running}:timer:elapsed")]


INCLUDE: dict[str, NodeFilter] = {
    "all": None,
    "one type": "scan",
    "two types": ("scan", "channel"),
    "a set": {"dataset"},
    "a question": lambda node: node.name.startswith(("e", "2")),
}
EXCLUDE: dict[str, NodeFilter] = {
    "nothing": None,
    "scans": SCANS,
    "devices": "None",
    "a question": lambda node: node.name == "1_loopscan",
}


def fits(node_filter: NodeFilter, node: DataNode, default: bool) -> bool:
    if node_filter is None:
        return default
    if callable(node_filter):
        return node_filter(node)
    return node.type in ([node_filter] if isinstance(node_filter, str) else node_filter)


class TestFilters:
    """Which nodes are told of, and where a walk goes."""

    @pytest.mark.parametrize("exclude", EXCLUDE.values(), ids=EXCLUDE)
    @pytest.mark.parametrize("include", INCLUDE.values(), ids=INCLUDE)
    def test_the_matrix(
        self, session: DataNodeContainer, two_scans: list[str], include: NodeFilter, exclude: NodeFilter
    ) -> None:
        everything = list(session.walk(wait=False))
        closed = [node.db_name + ":" for node in everything if fits(exclude, node, False)]
        expected = [
            node.db_name
            for node in everything
            if fits(include, node, True) and not node.db_name.startswith(tuple(closed))
        ]
        assert names(session.walk(include, exclude_children=exclude, wait=False)) == expected
        events = list(session.walk_events(include, exclude_children=exclude, wait=False))
        assert [key for kind, key in told(events) if kind is NEW_NODE] == expected
        ended = [scan for scan in two_scans if scan in expected]
        assert [key for kind, key in told(events) if kind is PREPARED] == ended
        assert [key for kind, key in told(events) if kind is END] == ended
        data = [key for kind, key in told(events) if kind is NEW_DATA]
        assert data == [key for key in expected if key.endswith(":epoch")]

    def test_scans_that_are_there_may_be_excluded_alone(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, started: threading.Event
    ) -> None:
        old = a_scan(publisher, dataset, "1_old", ended=False)
        options: dict[str, Any] = {"exclude_existing_children": "scan", "started_event": started}
        with session.walk_on_new_events(**options) as walk:
            following = Following(walk, started)
            publisher.below(old, "late", "None")
            new = a_scan(publisher, dataset, "2_new")
            events = following.wait_for(has_ended)
        assert all(key.startswith(new) for _, key in told(events))
        assert (NEW_NODE, f"{new}:timer:epoch") in told(events)

    def test_streams_may_be_left_out_by_name(self, session: DataNodeContainer, two_scans: list[str]) -> None:
        unread = [f"{two_scans[0]}:timer_children_list", f"{two_scans[1]}:timer:epoch_data"]
        events = told(list(session.walk_events(wait=False, excluded_stream_names=unread)))
        assert not [key for _, key in events if key.startswith(f"{two_scans[0]}:timer:")]
        assert (NEW_NODE, f"{two_scans[1]}:timer:epoch") in events
        assert NEW_DATA not in [kind for kind, _ in events]


class TestFromNowOn:
    """Walks that do not begin at the beginning."""

    def test_only_what_is_new(
        self,
        session: DataNodeContainer,
        publisher: HandPublisher,
        dataset: str,
        two_scans: list[str],
        started: threading.Event,
    ) -> None:
        with session.walk_on_new_events(started_event=started) as walk:
            following = Following(walk, started)
            new = a_scan(publisher, dataset, "3_new")
            events = following.wait_for(has_ended)
        channels = [f"{new}:timer:epoch", f"{new}:timer:elapsed"]
        assert [key for kind, key in told(events) if kind is NEW_NODE] == [new, f"{new}:timer", *channels]
        assert [kind for kind, _ in in_one_piece(events)][4:] == [PREPARED, NEW_DATA, END]

    def test_below_containers_that_are_new_as_well(
        self, session: DataNodeContainer, publisher: HandPublisher, started: threading.Event
    ) -> None:
        with session.walk_on_new_events(exclude_children=SCANS, started_event=started) as walk:
            following = Following(walk, started)
            new = a_scan(publisher, publisher.below("session", "dir", "container"), "1_ct")
            events = following.wait_for(has_ended)
        assert told(events) == [(NEW_NODE, "session:dir"), (NEW_NODE, new), (PREPARED, new), (END, new)]

    def test_a_walk_begins_when_it_is_made_not_when_it_is_iterated(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        with session.walk_on_new_events(wait=False) as walk:
            new = a_scan(publisher, dataset, "1_ct")
            assert (NEW_NODE, new) in told(list(walk))

    def test_the_clock_of_this_host_does_not_matter(
        self,
        monkeypatch: pytest.MonkeyPatch,
        session: DataNodeContainer,
        publisher: HandPublisher,
        dataset: str,
        two_scans: list[str],
    ) -> None:
        for wrong in (0.0, time.time() + 86400):
            monkeypatch.setattr("time.time", lambda wrong=wrong: wrong)
            let_a_ms_pass(publisher.client)
            with session.walk_on_new_events(wait=False) as walk:
                new = a_scan(publisher, dataset, f"{wrong}_new")
                events = told(list(walk))
            assert events[0] == (NEW_NODE, new)

    def test_a_scan_that_runs_already_tells_of_new_nodes_only(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, started: threading.Event
    ) -> None:
        scan = a_scan(publisher, dataset, "1_scan", ended=False)
        let_a_ms_pass(publisher.client)
        stop = StopHandler()
        following = Following(session.walk_on_new_events(started_event=started, stop_handler=stop), started)
        publisher.points(f"{scan}:timer:epoch", [1.0], start=3)
        late = publisher.channel(f"{scan}:timer", "late")
        publisher.points(late, [1.0, 2.0])
        following.wait_for(lambda events: NEW_DATA in [event.type for event in events])
        publisher.end(scan)
        stop.stop()
        following.join(60)
        assert in_one_piece(following.found) == [(NEW_NODE, late), (NEW_DATA, late)]

    def test_from_a_time_in_the_past(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, two_scans: list[str]
    ) -> None:
        entries: Any = publisher.client.xrange(f"{dataset}_children_list")
        (first_id, _), (_, _) = entries
        events = told(list(session.walk_events(first_index=first_id, exclude_children="scan", wait=False)))
        second = two_scans[1]
        assert events == [(NEW_NODE, second), (PREPARED, second), (END, second)]

    def test_none_means_now(self, session: DataNodeContainer, two_scans: list[str]) -> None:
        let_a_ms_pass(session.connection)
        assert list(session.walk_events(first_index=None, wait=False)) == []

    def test_a_session_that_does_not_exist_yet(
        self, redis_url: str, redis_client: redis.Redis, started: threading.Event
    ) -> None:
        session = get_session_node("later", redis_client)
        with session.walk_on_new_events(started_event=started) as walk:
            following = Following(walk, started)
            publisher = HandPublisher(redis.Redis.from_url(redis_url, protocol=2), "later")
            scan = publisher.scan()
            publisher.end(scan)
            assert (NEW_NODE, scan) in told(following.wait_for(has_ended))
            publisher.client.close()


class TestFromLast:
    """The latest node, then new ones."""

    def test_the_last_scan_then_new_ones(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, two_scans: list[str]
    ) -> None:
        walk = session.walk_from_last("scan")
        assert next(walk).db_name == two_scans[1]
        new = a_scan(publisher, dataset, "3_new")
        assert next(walk).db_name == new

    def test_the_last_is_the_one_announced_last_wherever_it_is(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, two_scans: list[str]
    ) -> None:
        other = publisher.below("session:data", "sample_0002", "dataset")
        a_scan(publisher, other, "1_other")
        let_a_ms_pass(publisher.client)
        latest = a_scan(publisher, dataset, "3_latest")
        assert names(session.walk_from_last("scan", wait=False)) == [latest]
        assert names(session.walk_from_last("channel", wait=False)) == [f"{latest}:timer:elapsed"]

    def test_without_the_last(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, two_scans: list[str]
    ) -> None:
        assert names(session.walk_from_last("scan", include_last=False, wait=False)) == []

    def test_when_there_is_none(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        assert names(session.walk_from_last("scan", wait=False)) == []


class TestData:
    """What NEW_DATA carries."""

    @pytest.fixture
    def device(self, publisher: HandPublisher, dataset: str) -> str:
        return publisher.below(publisher.scan(parent=dataset), "dev", "None")

    def data_of(self, session: DataNodeContainer) -> list[Any]:
        return [event.data for event in session.walk_events(wait=False) if event.type is NEW_DATA]

    def test_entries_are_merged(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str
    ) -> None:
        channel = publisher.channel(device, "c")
        publisher.block(channel, np.arange(4.0))
        publisher.points(channel, [float(i) for i in range(4, 50)], start=4)
        (data,) = self.data_of(session)
        assert (data.first_index, data.block_size) == (0, 50)
        np.testing.assert_array_equal(data.data, np.arange(50.0))
        assert data.description["unit"] == "s"
        assert data.description["shape"] == ()
        assert data.description["dtype"] == np.float64

    def test_points_of_different_lengths_keep_them(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str
    ) -> None:
        channel = publisher.channel(device, "c", shape=(-1,))
        for index, length in enumerate([3, 3, 4]):
            publisher.points(channel, [np.arange(length)], start=index)
        shapes = [(data.first_index, data.data.shape) for data in self.data_of(session)]
        assert shapes == [(0, (2, 3)), (2, (1, 4))]

    def test_trimmed_points_are_a_jump_and_a_line_in_the_log(
        self,
        session: DataNodeContainer,
        publisher: HandPublisher,
        device: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        channel = publisher.channel(device, "c")
        publisher.points(channel, [1.0] * 20, maxlen=5, approximate=False)
        (data,) = self.data_of(session)
        assert (data.first_index, data.block_size) == (15, 5)
        assert f"{channel}: points 0 to 14 were dropped" in caplog.text

    def test_a_channel_that_cannot_be_decoded_costs_no_other(
        self,
        session: DataNodeContainer,
        publisher: HandPublisher,
        device: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        bad, good = publisher.channel(device, "bad"), publisher.channel(device, "good")
        publisher.points(bad, [1.0, 2.0])
        fields = {
            "__EVENT__": "CHANNELDATA",
            "__NPOINTS__": 1,
            "__DESC__": b"no pickle",
            "__DATA__": b"no pickle",
        }
        publisher.client.xadd(f"{bad}_data", fields, id="3-0")
        publisher.points(good, [1.0])
        with session.walk_events() as walk, caplog.at_level(logging.WARNING):
            found = [next(walk) for _ in range(8)]
            assert told(found)[-2:] == [(NEW_DATA, bad), (NEW_DATA, good)]
            assert found[-2].data is not None and found[-2].data.block_size == 2
            publisher.client.xadd(f"{bad}_data", fields, id="4-0")
            publisher.points(good, [2.0], start=1)
            assert told([next(walk)]) == [(NEW_DATA, good)]
        assert caplog.text.count("cannot be decoded") == 1

    def test_references_are_nodes(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str, dataset: str
    ) -> None:
        scan = publisher.scan("2_child", parent=dataset)
        references = publisher.below(device, "scans_data", "node_ref_channel")
        publisher.points(references, [scan, "gone"])
        (data,) = self.data_of(session)
        assert [node and node.db_name for node in data.data] == [scan, None]
        assert data.block_size == 2

    def test_a_camera_tells_its_status(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str
    ) -> None:
        camera = publisher.below(device, "image", "lima")
        with session.walk_events() as walk:
            firsts = []
            for index, last_image in enumerate((3, 9)):
                status = pickle.dumps({"last_image_ready": last_image}, 4)
                fields = {"__EVENT__": "LIMAIMAGESTATUS", "__STATUS__": status}
                publisher.client.xadd(f"{camera}_data", fields, id=f"{index + 1}-0")
                event = next(event for event in walk if event.type is NEW_DATA)
                assert event.data is not None
                assert event.data.description == {"last_image_ready": last_image}
                firsts.append(event.data.first_index)
        assert firsts == [0, 4]

    def test_a_camera_tells_where_its_images_are(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str
    ) -> None:
        camera = publisher.below(device, "image", "lima")
        publisher.client.rpush(f"{camera}_data_ref", pickle.dumps(SAVING, 4))
        with session.walk_events() as walk:
            data = []
            for index, last_image in enumerate((2, 2, 1, 4)):
                status = pickle.dumps({"last_image_ready": last_image}, 4)
                fields = {"__EVENT__": "LIMAIMAGESTATUS", "__STATUS__": status}
                publisher.client.xadd(f"{camera}_data", fields, id=f"{index + 1}-0")
                event = next(event for event in walk if event.type is NEW_DATA)
                assert event.data is not None
                data.append(event.data)
        path = "/entry_0000/id00/cam/data"
        assert [one.first_index for one in data] == [0, 3, 3, 3]
        assert list(data[0].data) == [
            ("/data/img_0000.h5", path, 0, "HDF5"),
            ("/data/img_0000.h5", path, 1, "HDF5"),
            ("/data/img_0001.h5", path, 0, "HDF5"),
        ]
        assert list(data[1].data) == list(data[2].data) == []
        assert [reference.index_in_file for reference in data[3].data] == [1, 0]
        assert list(pickle.loads(pickle.dumps(data[3].data))) == list(data[3].data)

    @pytest.mark.parametrize(
        ("changes", "told"), [({"saving_mode": "NOSAVING"}, 0), ({"saving_index_format": "%s"}, 1)]
    )
    def test_a_camera_whose_images_cannot_be_found(
        self,
        session: DataNodeContainer,
        publisher: HandPublisher,
        device: str,
        changes: dict[str, str],
        told: int,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        camera = publisher.below(device, "image", "lima", SAVING | changes)
        with session.walk_events() as walk, caplog.at_level(logging.WARNING):
            for index in range(2):
                fields = {"__STATUS__": pickle.dumps({"last_image_ready": 4 * index}, 4)}
                publisher.client.xadd(f"{camera}_data", fields, id=f"{index + 1}-0")
                event = next(event for event in walk if event.type is NEW_DATA)
                assert event.data is not None and list(event.data.data) == []
        assert caplog.text.count("saving_index_format is '%s'") == told

    def test_a_camera_that_claims_too_much(
        self, session: DataNodeContainer, publisher: HandPublisher, device: str
    ) -> None:
        camera = publisher.below(device, "image", "lima", SAVING)
        fields = {"__STATUS__": pickle.dumps({"last_image_ready": 10**30}, 4)}
        publisher.client.xadd(f"{camera}_data", fields, id="1-0")
        (data,) = self.data_of(session)
        assert len(data.data) == 2**32 - 1
        assert data.data[10**6].file == "/data/img_500000.h5"
        assert [one.index_in_file for one in data.data[-3::2]] == [0, 0]

    def test_times_and_exceptions_of_scans(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        before = server_time_ms(publisher.client)
        scan = publisher.scan(parent=dataset)
        publisher.prepared(scan)
        publisher.end(scan, "<class 'RuntimeError'>")
        prepared, ended = (event.data for event in session.walk_events("scan", wait=False) if event.data)
        assert (prepared.data, prepared.description) == ("PREPARED_SCAN", None)
        assert (ended.data, ended.description) == ("END_SCAN", "<class 'RuntimeError'>")
        assert before <= prepared.first_index <= ended.first_index < before + 60_000


class TestActiveStreams:
    """Walks that go on where another one ended."""

    def test_only_what_is_new_each_time(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        streams: dict[str, Any] = {}
        scan = a_scan(publisher, dataset, "1_scan", points=3, ended=False)
        first = list(session.walk_events(wait=False, active_streams=streams))
        assert told(first)[-1] == (NEW_DATA, f"{scan}:timer:epoch")
        assert {"session_children_list", f"{scan}_end", f"{scan}:timer:epoch_data"} <= set(streams)
        assert list(session.walk_events(wait=False, active_streams=streams)) == []
        publisher.points(f"{scan}:timer:epoch", [1.0], start=3)
        publisher.end(scan)
        data, end = session.walk_events(wait=False, active_streams=streams)
        assert data.data is not None and data.data.first_index == 3
        assert end.type is END
        assert f"{scan}_end" not in streams

    def test_a_walk_that_was_left_early(
        self, session: DataNodeContainer, publisher: HandPublisher, two_scans: list[str]
    ) -> None:
        expected = told(list(session.walk_events(wait=False)))
        for events in range(len(expected)):
            streams: dict[str, Any] = {}
            found: list[Event] = []
            with session.walk_events(active_streams=streams) as walk:
                found += [next(walk) for _ in range(events)]
            found += session.walk_events(wait=False, active_streams=streams)
            assert told(found) == expected

    def test_something_else_is_refused(self, session: DataNodeContainer) -> None:
        with pytest.raises(TypeError, match="give an empty dict"):
            session.walk_events(active_streams={"a": 1})


def test_the_old_name_of_the_filter(session: DataNodeContainer, two_scans: list[str]) -> None:
    assert names(session.walk(filter="scan", wait=False)) == two_scans
    assert names(session.walk_from_last(filter="scan", wait=False)) == two_scans[-1:]
    with session.walk_events(filter="scan", wait=False) as walk:
        assert {event.node.type for event in walk} == {"scan"}


class TestStart:
    """Walks that do not begin at the session."""

    def test_at_a_scan(self, session: DataNodeContainer, two_scans: list[str]) -> None:
        scan = get_node(two_scans[0], session.connection)
        assert scan is not None
        kinds = [event.type for event in scan.walk_events(wait=False)]
        assert kinds == [NEW_NODE] * 3 + [PREPARED, NEW_DATA, END]

    def test_at_a_scan_from_now_on_it_tells_of_its_end(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        scan = get_node(a_scan(publisher, dataset, "1_scan", ended=False), session.connection)
        assert scan is not None
        let_a_ms_pass(publisher.client)
        with scan.walk_on_new_events() as walk:
            assert told([next(walk)]) == [(PREPARED, scan.db_name)]
            publisher.end(scan.db_name)
            assert told([next(walk)]) == [(END, scan.db_name)]

    def test_at_a_device_and_at_a_channel(self, session: DataNodeContainer, two_scans: list[str]) -> None:
        device = get_node(f"{two_scans[0]}:timer", session.connection)
        channel = get_node(f"{two_scans[0]}:timer:epoch", session.connection)
        assert device is not None and channel is not None
        assert [kind for kind, _ in told(list(device.walk_events(wait=False)))] == [
            NEW_NODE,
            NEW_NODE,
            NEW_DATA,
        ]
        assert told(list(channel.walk_events(wait=False))) == [(NEW_DATA, channel.db_name)]
        assert names(channel.walk(wait=False)) == []


class TestStop:
    """How a walk ends."""

    def blocked(self, client: redis.Redis) -> bool:
        return bool(int(client.info("clients")["blocked_clients"]))

    def wait_until_blocked(self, client: redis.Redis) -> None:
        wait_until(lambda: self.blocked(client), "the walk waits")

    @pytest.mark.parametrize("how", ["walk", "walk_events", "walk_on_new_events", "walk_from_last"])
    def test_by_a_handler_from_another_thread(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str, how: str
    ) -> None:
        stop = StopHandler()
        following = Following(getattr(session, how)(stop_handler=stop))
        self.wait_until_blocked(publisher.client)
        asked = time.monotonic()
        stop.stop()
        following.join(60)
        assert not following.is_alive()
        assert time.monotonic() - asked < 4, "at once, not when the wait of 5 s is over"

    def test_one_handler_for_several_walks(self, session: DataNodeContainer, dataset: str) -> None:
        stop = StopHandler()
        followings = [Following(session.walk_events(stop_handler=stop)) for _ in range(3)]
        followings[0].wait_for(len)
        stop.stop()
        for following in followings:
            following.join(60)
            assert not following.is_alive()

    def test_by_a_handler_that_was_used_before(
        self, session: DataNodeContainer, two_scans: list[str]
    ) -> None:
        stop = StopHandler()
        stop.stop()
        assert list(session.walk_events(stop_handler=stop)) == []

    def test_stopping_again_and_again_never_hangs(
        self, session: DataNodeContainer, dataset: str, full: bool
    ) -> None:
        for trial in range(500 if full else 50):
            stop = StopHandler()
            following = Following(session.walk_events(stop_handler=stop))
            if trial % 2:
                following.wait_for(len)
            stop.stop()
            following.join(60)
            assert not following.is_alive(), trial

    def test_by_close_from_another_thread(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        walk = session.walk_events()
        following = Following(walk)
        self.wait_until_blocked(publisher.client)
        walk.close()
        following.join(60)
        assert not following.is_alive()
        assert list(walk) == []

    @pytest.mark.parametrize("how", ["walk", "walk_events", "walk_on_new_events", "walk_from_last"])
    @pytest.mark.parametrize("stop", [None, StopHandler()], ids=["alone", "with a handler"])
    def test_leaving_the_loop_gives_the_connection_back(
        self,
        session: DataNodeContainer,
        publisher: HandPublisher,
        dataset: str,
        how: str,
        stop: StopHandler | None,
    ) -> None:
        session.connection.ping()
        before = len(publisher.client.client_list())
        walk = getattr(session, how)(stop_handler=stop)
        publisher.below("session", "new", "container")
        for _ in walk:
            break
        assert len(publisher.client.client_list()) <= before + 1
        del walk
        wait_until(lambda: len(publisher.client.client_list()) <= before, "the connection is given back")

    def test_waiting_asks_nothing(self, session: DataNodeContainer, publisher: HandPublisher) -> None:
        stop = StopHandler()
        following = Following(session.walk_events(stop_handler=stop))
        self.wait_until_blocked(publisher.client)
        before: Any = publisher.client.info("commandstats")
        time.sleep(0.2)  # nothing happens: there is nothing to wait for
        after: Any = publisher.client.info("commandstats")
        stop.stop()
        following.join(60)
        assert after["cmdstat_xread"]["calls"] == before["cmdstat_xread"]["calls"]


class TestConnection:
    """A walk over lost connections."""

    def kill(self, publisher: HandPublisher) -> None:
        publisher.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def test_going_on_after_the_connection_was_lost(
        self, session: DataNodeContainer, publisher: HandPublisher, dataset: str
    ) -> None:
        walk = session.walk_on_new_events()
        events: list[Event] = []
        errors = 0
        for index in range(12):
            a_scan(publisher, dataset, f"{index}_scan", points=2500)
            self.kill(publisher)
            while not (events and told(events)[-1] == (END, f"{dataset}:{index}_scan")):
                try:
                    events.append(next(walk))
                except redis.ConnectionError:
                    errors += 1
        walk.close()
        assert errors >= 11
        assert len(events) == len(
            {(kind, key, e.data and e.data.first_index) for e in events for kind, key in told([e])}
        )
        points = [event.data.block_size for event in events if event.type is NEW_DATA and event.data]
        assert sum(points) == 12 * 2500
        assert sum(event.type is NEW_NODE for event in events) == 12 * 4

    def test_a_scan_of_the_same_name_after_the_server_has_lost_everything(self) -> None:
        with EmbeddedRedis() as server, server.client() as client:
            publisher = HandPublisher(client)
            walk = get_session_node("session", server.client()).walk_on_new_events(exclude_children=SCANS)
            events = []
            for _ in range(2):
                scan = a_scan(publisher, publisher.below("session", "data", "container"), "1_ct", ended=False)
                events += [next(walk) for _ in range(3)]
                server.kill()
                with pytest.raises(redis.ConnectionError):
                    next(walk)
                server.start()
                publisher = HandPublisher(client)
            walk.close()
            walk.node.connection.close()
        assert told(events) == [(NEW_NODE, "session:data"), (NEW_NODE, scan), (PREPARED, scan)] * 2

    def test_greenlets(self, redis_url: str, publisher: HandPublisher, dataset: str) -> None:
        gevent = pytest.importorskip("gevent")
        client = connect(redis_url, green=True)
        walk = get_session_node("session", client).walk_on_new_events(exclude_children=SCANS)
        found: list[Event] = []

        def follow() -> None:
            for event in walk:
                found.append(event)

        for index in range(10):
            following = gevent.spawn(follow)
            gevent.sleep(0.002 * (index % 3))
            publisher.scan(f"{index}_scan", parent=dataset)
            following.kill()
        following = gevent.spawn(follow)
        publisher.end(f"{dataset}:9_scan")
        deadline = time.monotonic() + 20
        while not has_ended(found) and time.monotonic() < deadline:
            gevent.sleep(0.005)
        walk.close()
        following.join(60)
        client.close()
        assert following.dead
        expected = [f"{dataset}:{index}_scan" for index in range(10)]
        assert [key for kind, key in told(found) if kind is NEW_NODE] == expected


class TestRecordings:
    """Real scans."""

    @pytest.mark.parametrize(
        "name", ["loopscan10", "two_masters", "sequence", "lima_two", "dtypes", "strings"]
    )
    def test_a_recording_while_it_is_replayed(
        self, name: str, captures: Path, redis_client: redis.Redis, redis_url: str, started: threading.Event
    ) -> None:
        recording = Recording(captures / name)
        client = redis.Redis.from_url(redis_url, protocol=2)
        session = get_session_node(recording.session, client)
        with session.walk_on_new_events(started_event=started) as walk:
            following = Following(walk, started)
            replay(recording, redis_client)
            ended = len(recording.scans)
            events = following.wait_for(lambda events: sum(e.type is END for e in events) == ended)
        assert_complete(events, names(session.walk(wait=False)))
        client.close()


def assert_complete(events: list[Event], expected: list[str]) -> None:
    new = [event.node.db_name for event in events if event.type is NEW_NODE]
    assert sorted(new) == sorted(expected)
    points: dict[str, int] = {}
    for event in events:
        if event.type is NEW_DATA and event.data is not None and event.node.type == "channel":
            assert event.data.first_index == points.get(event.node.db_name, 0)
            points[event.node.db_name] = event.data.first_index + event.data.block_size
    channels: dict[str, Any] = {e.node.db_name: e.node for e in events if e.node.type == "channel"}
    assert points == {key: len(node) for key, node in channels.items() if len(node)}


def test_a_walk_is_an_iterator_of_events(session: DataNodeContainer, two_scans: list[str]) -> None:
    walk = session.walk_events(wait=False)
    assert isinstance(walk, Walk)
    assert iter(walk) is walk


def test_a_scan_whose_streams_are_not_read_is_told_whenever_it_is_announced(
    session: DataNodeContainer, publisher: HandPublisher
) -> None:
    """Sessions may count from 1 again."""
    scan = publisher.scan()
    with Walk(session, SCANS, events=False, exclude_children=SCANS) as walk:
        assert next(walk).node.db_name == scan
        assert not walk.next_within(0)
        publisher.end(scan)
        publisher.announce(scan, "session")
        again = walk.next_within(5)
        assert again is not None and again.node.db_name == scan
        assert not {key for key in walk._streams if key.startswith(scan.encode())}


class TestQuietStreams:
    """Of many datasets, most are read by the way: a scan that is missed is the worst that can happen."""

    @pytest.fixture
    def datasets(self, publisher: HandPublisher, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.setattr("nexus_writer.data.quiet_streams.MOST_AWAKE", 6)
        return [publisher.below("session", f"sample_{number:02}", "dataset") for number in range(30)]

    @pytest.fixture
    def walk(self, session: DataNodeContainer, datasets: list[str]) -> Iterator[Walk]:
        """It looks for scans only, and knows all datasets."""
        with Walk(session, SCANS, events=False, in_order=False, exclude_children=SCANS) as walk:
            assert not walk.next_within(0.05)
            yield walk

    def scans(self, walk: Walk, count: int) -> list[str]:
        found = [walk.next_within(20) for _ in range(count)]
        assert not walk.next_within(0)
        return [event.node.db_name for event in found if event is not None]

    def test_few_are_waited_for_and_none_is_missed(
        self, walk: Walk, publisher: HandPublisher, datasets: list[str]
    ) -> None:
        numbers = itertools.count()
        for shift in range(1, 4):
            resting, awake = len(walk._streams._quiet), len(walk._streams._streams)
            assert (resting + awake, awake <= 6) == (31, True)
            for dataset in (*datasets[::shift], datasets[0]):
                scan = publisher.scan(f"{next(numbers)}_scan", parent=dataset)
                assert self.scans(walk, 1) == [scan]

    def test_many_at_once(self, walk: Walk, publisher: HandPublisher, datasets: list[str]) -> None:
        scans = [publisher.scan(f"{n}_scan", parent=dataset) for n in range(150) for dataset in datasets[::7]]
        assert sorted(self.scans(walk, len(scans))) == sorted(scans)

    def test_nothing_is_lost_with_the_connection(
        self, walk: Walk, publisher: HandPublisher, datasets: list[str]
    ) -> None:
        for number, dataset in enumerate(datasets):
            scan = publisher.scan(f"{number}_scan", parent=dataset)
            publisher.client.client_kill_filter(_type="normal", skipme=True)
            found: list[str] = []
            while not found:
                with contextlib.suppress(redis.ConnectionError):
                    found = self.scans(walk, 1)
            assert found == [scan]

    def test_a_dataset_that_is_announced_again_is_not_read_again(
        self, walk: Walk, publisher: HandPublisher, datasets: list[str]
    ) -> None:
        """As after a restart of Redis."""
        first = publisher.scan("1_scan", parent=datasets[0])
        assert self.scans(walk, 1) == [first]
        for dataset in datasets[1:]:
            publisher.scan("2_scan", parent=dataset)
        assert len(self.scans(walk, 29)) == 29
        assert walk._streams._quiet
        walk._known.clear()
        for dataset in datasets:
            publisher.announce(dataset, "session")
        assert not walk.next_within(0.5)
        assert self.scans(walk, 0) == []
        last = publisher.scan("3_scan", parent=datasets[0])
        assert self.scans(walk, 1) == [last]

    def test_one_that_is_no_stream_costs_no_other_one(
        self, walk: Walk, publisher: HandPublisher, datasets: list[str]
    ) -> None:
        spoiled = next(iter(walk._streams._quiet))
        publisher.client.delete(spoiled)
        publisher.client.set(spoiled, "x")
        good = next(dataset for dataset in datasets if f"{dataset}_children_list".encode() != spoiled)
        assert self.scans(walk, 0) == []
        scan = publisher.scan("1_scan", parent=good)
        assert self.scans(walk, 1) == [scan]

    @pytest.mark.parametrize("options", [{"in_order": True}, {"active_streams": {}}, {"wait": False}])
    def test_who_relies_on_the_order_of_events_waits_for_all(
        self, options: dict[str, Any], session: DataNodeContainer, datasets: list[str]
    ) -> None:
        with Walk(session, SCANS, **({"events": False, "in_order": False} | options)) as walk:
            assert not walk.next_within(0.05)
            assert len(walk._streams._quiet) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"include": "scan"}, "no option include: it has include_filter, active_streams"),
        ({"include_filter": 3}, "include_filter is to be a node type, several of them, or a function"),
        ({"exclude_children": [3]}, "exclude_children is to be a node type"),
        ({"first_index": "yesterday"}, "first_index is to be a time in ms, a stream id like 12-0, or None"),
        ({"first_index": 1.5}, "first_index is to be a time in ms"),
        ({"first_index": -1}, "first_index is to be a time in ms"),
        ({"stop_handler": threading.Event()}, "stop_handler is to be a StopHandler"),
        ({"started_event": True}, r"started_event is to be an event with set\(\)"),
    ],
)
def test_options_that_no_walk_has(session: DataNodeContainer, options: dict[str, Any], words: str) -> None:
    for walk in (session.walk, session.walk_events):
        with pytest.raises((TypeError, ValueError), match=words):
            next(walk(wait=False, **options))


def test_a_key_that_is_no_stream_costs_no_other_one(
    session: DataNodeContainer,
    publisher: HandPublisher,
    two_scans: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Redis refuses to read any stream beside it."""
    publisher.client.delete(f"{two_scans[0]}_end")
    publisher.client.set(f"{two_scans[0]}_end", "x")
    events = list(session.walk_events(filter="scan", wait=False))
    assert [event.node.db_name for event in events if event.type is END] == two_scans[1:]
    assert f"{two_scans[0]}_end is no stream: it is not followed" in caplog.text
