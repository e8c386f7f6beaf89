"""Reading all of a scan."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.pickles import dumps
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.scan_items import NodeAdded, ScanEnded, ScanItem, ScanPoints, ScanPrepared
from nexus_writer.data.scan_reader import ScanReader, ScanReplaced, ScanVanished
from nexus_writer.data.unread import Unread
from tests.data_room.by_hand import HandPublisher, add_entry
from tests.waiting import allowed_s, wait_until

RECORDINGS = [
    "loopscan10",
    "ct",
    "two_masters",
    "failing",
    "sequence",
    "lima_two",
    "dtypes",
    "strings",
    "metadata",
]


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def scan(publisher: HandPublisher) -> str:
    return publisher.scan()


@pytest.fixture
def channels(publisher: HandPublisher, scan: str) -> list[str]:
    """Two channels of one device."""
    device = publisher.below(scan, "timer", "None")
    return [publisher.channel(device, name) for name in ("epoch", "elapsed")]


@pytest.fixture
def reader(redis_url: str, scan: str) -> Iterator[ScanReader]:
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        reader = ScanReader(client, scan)
        yield reader
        reader.close()


def rest_of(reader: ScanReader, timeout_s: float = 5.0) -> list[ScanItem]:
    """Everything up to the end."""
    items: list[ScanItem] = []
    while not (items and isinstance(items[-1], ScanEnded)):
        found = reader.read(timeout_s)
        assert found, "nothing came"
        items += found
    return items


def entries_of(items: list[ScanItem]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        if isinstance(item, ScanPoints):
            for key, entries in item.streams:
                found[key] += entries
    return dict(found)


def ids_of(items: list[ScanItem], channel: str) -> list[int]:
    return [int(entry_id.split(b"-")[0]) for entry_id, _ in entries_of(items).get(channel, [])]


def kinds_of(items: list[ScanItem]) -> list[str]:
    return [type(item).__name__ for item in items]


def kill_connections(client: redis.Redis) -> None:
    """All but the one that asks."""
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def calls_of(client: redis.Redis, command: str) -> int:
    stats: dict[str, Any] = client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def wait_until_blocked(client: redis.Redis, number: int = 1) -> None:
    wait_until(lambda: int(client.info("clients")["blocked_clients"]) >= number, "the reader waits")


def read_points(reader: ScanReader) -> list[ScanItem]:
    """Everything up to the first points."""
    items: list[ScanItem] = []
    while not entries_of(items):
        found = reader.read(5)
        assert found, "nothing came"
        items += found
    return items


class Reading(threading.Thread):
    """Reads to the end in a thread, over errors of the connection too."""

    def __init__(self, reader: ScanReader) -> None:
        super().__init__(daemon=True)
        self.reader = reader
        self.items: list[ScanItem] = []
        self.arrivals: list[float] = []
        self.errors: list[Exception] = []
        self.start()

    def run(self) -> None:
        try:
            while True:
                try:
                    found = self.reader.read(5)
                except redis.ConnectionError as error:
                    self.errors.append(error)
                    continue
                self.items += found
                self.arrivals += [time.monotonic()] * len(found)
        except EOFError:
            pass

    def result(self) -> list[ScanItem]:
        self.join(60)
        assert not self.is_alive(), f"no end after {kinds_of(self.items)}"
        return self.items


class TestOrder:
    """What comes before what."""

    def test_a_scan_that_is_over(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.prepared(scan)
        for channel in channels:
            publisher.points(channel, [1.0, 2.0, 3.0])
        publisher.end(scan, state="DONE")
        items = rest_of(reader)
        assert kinds_of(items) == [*["NodeAdded"] * 3, "ScanPrepared", "ScanPoints", "ScanEnded"]
        assert [item.key for item in items if isinstance(item, NodeAdded)] == [f"{scan}:timer", *channels]
        assert {key: len(entries) for key, entries in entries_of(items).items()} == dict.fromkeys(channels, 3)
        with pytest.raises(EOFError):
            reader.read(0)

    def test_nodes_come_with_their_infos(
        self, publisher: HandPublisher, scan: str, reader: ScanReader
    ) -> None:
        device = publisher.below(scan, "axis", "None")
        publisher.channel(device, "x", unit="mm", shape=(3,))
        nodes = [item for item in reader.read(5) if isinstance(item, NodeAdded)]
        assert [(n.node_type, n.name, n.parent) for n in nodes] == [
            ("None", "axis", scan),
            ("channel", "x", device),
        ]
        assert nodes[0].info.decode() == {}
        assert nodes[1].info.decode() == {"shape": (3,), "dtype": float, "unit": "mm"}

    def test_the_info_is_that_of_the_moment(
        self, publisher: HandPublisher, scan: str, reader: ScanReader
    ) -> None:
        publisher.prepared(scan)
        (prepared,) = reader.read(5)
        assert isinstance(prepared, ScanPrepared)
        assert prepared.info.get("state") == "PREPARING"
        publisher.end(scan, "<class 'RuntimeError'>", state="KILLED")
        (ended,) = reader.read(5)
        assert isinstance(ended, ScanEnded)
        assert ended.exception == "<class 'RuntimeError'>"
        assert ended.info.decode() == {"title": "a scan", "state": "KILLED"}

    def test_prepared_waits_for_nodes_of_all_levels(
        self, publisher: HandPublisher, scan: str, reader: ScanReader
    ) -> None:
        key = scan
        for level in range(5):
            key = publisher.below(key, f"level{level}", "None")
        channel = publisher.channel(key, "deep")
        publisher.prepared(scan)
        publisher.points(channel, [1.0])
        publisher.end(scan)
        assert kinds_of(rest_of(reader)) == [*["NodeAdded"] * 6, "ScanPrepared", "ScanPoints", "ScanEnded"]

    def test_several_top_masters(self, publisher: HandPublisher, scan: str, reader: ScanReader) -> None:
        masters = [publisher.below(scan, f"timer{i}", "None") for i in range(3)]
        channels = [publisher.channel(master, "epoch") for master in masters]
        publisher.end(scan)
        added = [item.key for item in rest_of(reader) if isinstance(item, NodeAdded)]
        assert added == [*masters, *channels]

    def test_a_scan_that_fails_before_it_is_prepared(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.end(scan, "<class 'ValueError'>")
        assert kinds_of(rest_of(reader)) == [*["NodeAdded"] * 3, "ScanEnded"]

    def test_a_node_that_is_announced_again_comes_once(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.announce(f"{scan}:timer", scan)
        first = reader.read(5)
        publisher.announce(f"{scan}:timer", scan)
        publisher.announce(channels[0], f"{scan}:timer")
        publisher.end(scan)
        added = [item.key for item in first + rest_of(reader) if isinstance(item, NodeAdded)]
        assert added == [f"{scan}:timer", *channels]

    def test_nodes_that_are_gone_or_of_another_format_are_left_out(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.announce(f"{scan}:gone", scan)
        publisher.below(scan, "modern", "None")
        publisher.client.hset(f"{scan}:modern", "version", "v2.0")
        publisher.end(scan)
        added = [item.key for item in rest_of(reader) if isinstance(item, NodeAdded)]
        assert added == [f"{scan}:timer", *channels]

    def test_names_may_have_any_characters(self, publisher: HandPublisher) -> None:
        scan = publisher.scan("1_größe [x]* ?{}")
        channel = publisher.channel(publisher.below(scan, "a b\n*", "None"), "µ:%")
        publisher.points(channel, [1.0])
        publisher.end(scan)
        items = rest_of(ScanReader(publisher.client, scan))
        assert list(entries_of(items)) == [channel]

    def test_cameras_and_references_are_passed_on(
        self, publisher: HandPublisher, scan: str, reader: ScanReader
    ) -> None:
        device = publisher.below(scan, "device", "None")
        keys = [publisher.below(device, kind, kind) for kind in ("lima", "node_ref_channel")]
        for key in keys:
            publisher.client.xadd(f"{key}_data", {"__STATUS__": b""}, id="1-0")
        publisher.end(scan)
        assert list(entries_of(rest_of(reader))) == keys


class TestEnd:
    """Nothing of a scan comes after its end, and nothing is missing."""

    @pytest.mark.parametrize("entries_per_reply", [1, 7, 100, 2000])
    def test_all_of_a_backlog_comes_before_the_end(
        self, publisher: HandPublisher, scan: str, channels: list[str], entries_per_reply: int
    ) -> None:
        publisher.points(channels[0], [float(i) for i in range(500)])
        publisher.points(channels[1], [0.5])
        publisher.end(scan)
        reader = ScanReader(publisher.client, scan, entries_per_reply=entries_per_reply)
        items = rest_of(reader)
        reader.close()
        assert ids_of(items, channels[0]) == list(range(1, 501))
        assert ids_of(items, channels[1]) == [1]

    def test_a_channel_that_appears_with_the_end_is_read(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.points(channels[0], [1.0])
        assert reader.read(5)
        late = publisher.channel(f"{scan}:timer", "late")
        publisher.points(late, [float(i) for i in range(300)])
        publisher.end(scan)
        assert ids_of(rest_of(reader), late) == list(range(1, 301))

    def test_a_late_channel_while_others_have_data(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        reading = Reading(reader)
        publisher.points(channels[0], [float(i) for i in range(50)])
        late = publisher.channel(f"{scan}:timer", "late")
        publisher.points(late, [1.0, 2.0])
        publisher.points(channels[0], [0.0] * 50, start=50)
        publisher.end(scan)
        items = reading.result()
        assert ids_of(items, channels[0]) == list(range(1, 101))
        assert ids_of(items, late) == [1, 2]
        announced = next(i for i, x in enumerate(items) if isinstance(x, NodeAdded) and x.key == late)
        assert not entries_of(items[:announced]).get(late)

    def test_a_scan_of_one_point(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        reading = Reading(reader)
        publisher.prepared(scan)
        publisher.points(channels[0], [1.0])
        publisher.end(scan)
        assert ids_of(reading.result(), channels[0]) == [1]

    def test_a_channel_without_data_does_not_hold_the_end_up(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.end(scan)
        assert kinds_of(rest_of(reader))[-1] == "ScanEnded"

    def test_points_that_were_trimmed_leave_a_gap_in_the_ids(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.points(channels[0], [1.0] * 3)
        first = read_points(reader)
        publisher.points(channels[0], [1.0] * 20, start=3, maxlen=5, approximate=False)
        publisher.end(scan)
        items = first + rest_of(reader)
        assert ids_of(items, channels[0]) == [1, 2, 3, 19, 20, 21, 22, 23]
        decoder = PointDecoder(channels[0])
        blocks = decoder.decode(entries_of(items)[channels[0]])
        assert [(block.start, len(block)) for block in blocks] == [(0, 3), (18, 5)]


class TestPace:
    """How often Redis is asked."""

    def test_the_end_is_not_delayed_by_the_pace(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan, pace_s=30.0)
        publisher.points(channels[0], [1.0])
        reading = Reading(reader)
        wait_until_blocked(publisher.client)
        publisher.points(channels[0], [2.0], start=1)
        publisher.end(scan)
        assert ids_of(reading.result(), channels[0]) == [1, 2]

    def test_a_new_node_is_not_delayed_by_the_pace(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan, pace_s=30.0)
        publisher.points(channels[0], [1.0])
        read_points(reader)
        publisher.below(scan, "late", "None")
        (item,) = reader.read(5)
        assert isinstance(item, NodeAdded)

    def test_points_are_gathered_for_the_length_of_the_pace(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan, pace_s=0.2)
        publisher.points(channels[0], [1.0])
        started = time.monotonic()
        read_points(reader)
        publisher.points(channels[0], [2.0, 3.0], start=1)
        items = reader.read(5)
        assert time.monotonic() - started >= 0.2
        assert ids_of(items, channels[0]) == [2, 3]

    def test_a_backlog_is_read_without_a_pause(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan, pace_s=30.0, entries_per_reply=8)
        publisher.points(channels[0], [1.0] * 63)
        items: list[ScanItem] = []
        while len(ids_of(items, channels[0])) < 63:
            found = reader.read(5)
            assert found
            items += found

    def test_idle_asks_nothing(self, publisher: HandPublisher, scan: str, reader: ScanReader) -> None:
        reading = Reading(reader)
        wait_until_blocked(publisher.client)
        before = calls_of(publisher.client, "xread")
        time.sleep(0.3)  # nothing happens: there is nothing to wait for
        assert calls_of(publisher.client, "xread") == before
        publisher.end(scan)
        reading.result()

    def test_replies_of_large_points_stay_small(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        image = bytes(1_000_000)
        for index in range(60):
            add_entry(publisher.client, channels[0], index, 1, image)
        publisher.end(scan)
        items = rest_of(reader)
        assert ids_of(items, channels[0]) == list(range(1, 61))
        assert max(len(item.streams[0][1]) for item in items if isinstance(item, ScanPoints)) <= 16

    def test_large_points_of_a_channel_that_comes_late_stay_small_too(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.points(channels[0], [1.0] * 2000)
        items = read_points(reader)
        while len(ids_of(items, channels[0])) < 2000:
            items += reader.read(5)
        late = publisher.channel(f"{scan}:timer", "image")
        for index in range(30):
            add_entry(publisher.client, late, index, 1, bytes(1_000_000))
        publisher.end(scan)
        items = rest_of(reader)
        assert ids_of(items, late) == list(range(1, 31))
        assert max(len(item.streams[0][1]) for item in items if isinstance(item, ScanPoints)) <= 16


class TestTimeout:
    """How long a read waits."""

    @pytest.mark.parametrize("timeout_s", [0.0, 0.05])
    def test_nothing_comes(self, reader: ScanReader, timeout_s: float) -> None:
        started = time.monotonic()
        assert reader.read(timeout_s) == []
        assert timeout_s <= time.monotonic() - started < allowed_s(timeout_s)

    def test_no_wait_still_reads_all_that_is_there(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.points(channels[0], [1.0] * 100)
        items: list[ScanItem] = []
        while found := reader.read(0):
            items += found
        assert ids_of(items, channels[0]) == list(range(1, 101))

    def test_the_rest_of_a_pace_does_not_outlast_the_timeout(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan, pace_s=30.0)
        publisher.points(channels[0], [1.0])
        while reader.read(0):
            pass
        started = time.monotonic()
        assert reader.read(0.05) == []
        assert time.monotonic() - started < allowed_s(0.05)


class TestConnection:
    """What happens when the connection is lost."""

    def test_killed_while_it_waits(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        reading = Reading(reader)
        for start in range(0, 50, 10):
            wait_until_blocked(publisher.client)
            publisher.points(channels[0], [1.0] * 10, start=start)
            kill_connections(publisher.client)
        publisher.end(scan)
        items = reading.result()
        assert reading.errors
        assert ids_of(items, channels[0]) == list(range(1, 51))
        assert kinds_of(items).count("NodeAdded") == 3

    def test_killed_in_the_middle_of_a_backlog(
        self, publisher: HandPublisher, scan: str, channels: list[str], redis_url: str
    ) -> None:
        for channel in channels:
            publisher.points(channel, [float(i) for i in range(1000)])
        publisher.prepared(scan)
        publisher.end(scan)
        reader = ScanReader(redis.Redis.from_url(redis_url, protocol=2), scan, entries_per_reply=20)
        items: list[ScanItem] = []
        errors = 0
        for step in range(2000):
            if step % 3 == 2:
                kill_connections(publisher.client)
            try:
                items += reader.read(5)
            except redis.ConnectionError:
                errors += 1
            except EOFError:
                break
        assert errors > 10
        assert all(ids_of(items, channel) == list(range(1, 1001)) for channel in channels)
        assert kinds_of(items).count("NodeAdded") == 3
        assert kinds_of(items).count("ScanPrepared") == 1

    def test_a_server_that_was_restarted(self, tmp_path: Path) -> None:
        with EmbeddedRedis(tmp_path) as server:
            publisher = HandPublisher(server.client())
            scan = publisher.scan()
            channel = publisher.channel(publisher.below(scan, "timer", "None"), "epoch")
            publisher.points(channel, [1.0, 2.0])
            reader = ScanReader(server.client(), scan)
            items = reader.read(5)
            server.kill()
            with pytest.raises(redis.ConnectionError):
                reader.read(5)
            with pytest.raises(redis.ConnectionError):
                reader.read(5)
            server.start()
            publisher.points(channel, [3.0], start=2)
            publisher.end(scan)
            items += rest_of(reader)
            reader.close()
            assert ids_of(items, channel) == [1, 2, 3]

    def test_a_scan_of_which_nothing_is_left(
        self, monkeypatch: pytest.MonkeyPatch, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        monkeypatch.setattr("nexus_writer.data.scan_reader.IDLE_BLOCK_S", 0.05)
        reader = ScanReader(publisher.client, scan)
        assert reader.read(5)
        publisher.client.flushdb()
        with pytest.raises(ScanVanished, match="is gone from Redis before its end"):
            reader.read(5)

    def test_a_later_scan_of_the_same_name_is_not_ours(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        """Redis was flushed between two readings: the ids of the new scan go on where ours ended."""
        reader = ScanReader(publisher.client, scan)
        publisher.client.hset(f"{scan}_info", "start_timestamp", dumps(1.0))
        publisher.points(channels[0], [1.0] * 10)
        while reader.read(0):
            pass
        publisher.client.flushdb()
        assert publisher.scan() == scan
        publisher.client.hset(f"{scan}_info", "start_timestamp", dumps(2.0))
        device = publisher.below(scan, "timer", "None")
        publisher.points(publisher.channel(device, "epoch"), [2.0] * 20)
        with pytest.raises(ScanReplaced, match="another one that started later has its name"):
            reader.read(5)

    def test_a_later_scan_of_the_same_name_after_a_restart(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        reader = ScanReader(publisher.client, scan)
        publisher.client.hset(f"{scan}_info", "start_timestamp", dumps(1.0))
        while reader.read(0):
            pass
        reader.close()
        publisher.client.hset(f"{scan}_info", "start_timestamp", dumps(2.0))
        with pytest.raises(ScanReplaced):
            reader.read(0)

    def test_a_later_scan_of_the_same_name_that_came_before_the_first_reading(
        self, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        """Who reads was told of another one."""
        publisher.client.hset(f"{scan}_info", "start_timestamp", dumps(2.0))
        publisher.prepared(scan)
        with pytest.raises(ScanReplaced):
            ScanReader(publisher.client, scan, started=dumps(1.0)).read(5)
        publisher.end(scan)
        ours = ScanReader(publisher.client, scan, started=dumps(2.0))
        assert kinds_of(rest_of(ours))[-1] == "ScanEnded"

    def test_a_scan_that_waits_long_is_not_taken_for_lost(
        self, monkeypatch: pytest.MonkeyPatch, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        monkeypatch.setattr("nexus_writer.data.scan_reader.IDLE_BLOCK_S", 0.02)
        reader = ScanReader(publisher.client, scan)
        assert reader.read(5)
        publisher.client.delete(scan)
        assert reader.read(0.2) == []

    def test_a_scan_that_is_not_there_yet(
        self, monkeypatch: pytest.MonkeyPatch, publisher: HandPublisher
    ) -> None:
        monkeypatch.setattr("nexus_writer.data.scan_reader.IDLE_BLOCK_S", 0.02)
        reader = ScanReader(publisher.client, f"{publisher.session}:1_scan")
        assert reader.read(0.1) == []
        scan = publisher.scan()
        publisher.end(scan)
        assert kinds_of(rest_of(reader)) == ["ScanEnded"]

    def test_interrupted_from_another_thread(self, publisher: HandPublisher, reader: ScanReader) -> None:
        raised: list[Exception] = []

        def read() -> None:
            try:
                reader.read()
            except redis.ConnectionError as error:
                raised.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        wait_until_blocked(publisher.client)
        reader.interrupt()
        thread.join(60)
        assert raised
        with pytest.raises(redis.ConnectionError):
            reader.read(0)

    def test_close_gives_the_connections_back(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        before = len(publisher.client.client_list())
        reader.read(5)
        reader.unread()
        assert len(publisher.client.client_list()) == before + 2
        reader.close()
        reader.close()
        wait_until(lambda: len(publisher.client.client_list()) <= before, "the connection is given back")


class TestPositions:
    """Where it is, and how far behind."""

    def test_positions_by_channel(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        assert reader.positions == {}
        publisher.points(channels[0], [1.0] * 3)
        read_points(reader)
        assert reader.positions == {channels[0]: b"3-0", channels[1]: b"0-0"}

    @pytest.mark.parametrize("created_empty", [False, True], ids=["plain", "as blissdata creates streams"])
    def test_entries_behind(
        self,
        publisher: HandPublisher,
        scan: str,
        channels: list[str],
        created_empty: bool,
        reader: ScanReader,
    ) -> None:
        if created_empty:
            for channel in channels:
                publisher.client.xadd(f"{channel}_data", {"key": "value"}, id="0-1")
                publisher.client.xdel(f"{channel}_data", "0-1")
        while reader.read(0):
            pass
        assert reader.unread().entries == 0
        publisher.points(channels[0], [1.0] * 20)
        publisher.block(channels[1], [1.0] * 50)
        publisher.block(channels[1], [1.0] * 50, start=50)
        assert reader.unread().entries == 22
        while reader.read(0):
            pass
        assert reader.unread().entries == 0
        publisher.block(channels[1], [1.0] * 50, start=100)
        assert reader.unread().entries == 1

    def test_entries_that_were_trimmed_do_not_count(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        publisher.points(channels[0], [1.0] * 100, maxlen=10, approximate=False)
        while reader.read(0):
            pass
        publisher.points(channels[0], [1.0] * 3, start=100)
        assert reader.unread().entries == 3

    def test_how_much_of_what_redis_keeps_is_unread(
        self, publisher: HandPublisher, scan: str, channels: list[str], reader: ScanReader
    ) -> None:
        while reader.read(0):
            pass
        publisher.points(channels[0], [1.0] * 512)
        publisher.points(channels[1], [1.0] * 100)
        assert reader.unread() == Unread(612, 0.25, 512)  # as BLISS keeps 2048
        publisher.points(channels[1], [1.0] * 2100, start=100)
        assert reader.unread().entries == 2712
        assert reader.unread().fill == 0.25  # the other one has no limit
        publisher.points(channels[0], [1.0], start=512, maxlen=600, approximate=False)
        publisher.points(channels[0], [1.0] * 200, start=513, maxlen=600, approximate=False)
        assert reader.unread().fill == 1.0  # trimmed to 600
        while reader.read(0):
            pass
        publisher.points(channels[0], [1.0] * 60, start=713, maxlen=600, approximate=False)
        assert reader.unread() == Unread(60, 0.1, 60)

    def test_before_any_channel_is_known(self, reader: ScanReader) -> None:
        assert reader.unread().entries == 0


class TestGreen:
    """In greenlets, on gevent's sockets."""

    def test_a_read_that_waits_lets_others_run_and_may_be_killed(
        self, redis_url: str, publisher: HandPublisher, scan: str, channels: list[str]
    ) -> None:
        gevent = pytest.importorskip("gevent")
        from nexus_writer.data.connection import connect

        client = connect(redis_url, green=True)
        reader = ScanReader(client, scan)
        items = reader.read(5)
        for index in range(20):
            waiting = gevent.spawn(reader.read)
            gevent.sleep(0)
            publisher.points(channels[0], [1.0], start=index)
            if index % 2:
                gevent.sleep(0.001 * index)
            waiting.kill()
            if not isinstance(waiting.value, gevent.GreenletExit):
                items += waiting.value
        publisher.end(scan)
        waiting = gevent.spawn(rest_of, reader)
        items += waiting.get(timeout=60)
        reader.close()
        client.close()
        assert ids_of(items, channels[0]) == list(range(1, 21))
        assert kinds_of(items).count("NodeAdded") == 3


class TestRecordings:
    """Real scans, read while they are replayed."""

    @pytest.mark.parametrize("name", RECORDINGS)
    def test_all_that_was_recorded_comes(
        self, name: str, captures: Path, redis_client: redis.Redis, redis_url: str
    ) -> None:
        recording = Recording(captures / name)
        readings: dict[str, Reading] = {}

        def follow(_: str, key: str) -> None:
            client = redis.Redis.from_url(redis_url, protocol=2)
            readings[key] = Reading(ScanReader(client, key))

        replay(recording, redis_client, wait_for_writer=follow)
        assert list(readings) == [scan.key for scan in recording.scans]
        for key, reading in readings.items():
            items = reading.result()
            reading.reader.close()
            published = {
                stream.decode()[: -len("_data")]: redis_client.xlen(stream)
                for stream in redis_client.scan_iter(match=f"{key}:*_data", count=1000)
            }
            read = {channel: len(entries) for channel, entries in entries_of(items).items()}
            assert read == {channel: number for channel, number in published.items() if number}
            assert_in_order(items, key)


def assert_in_order(items: list[ScanItem], scan: str) -> None:
    known = {scan}
    for item in items:
        if isinstance(item, NodeAdded):
            assert item.parent in known
            assert item.key not in known
            known.add(item.key)
        elif isinstance(item, ScanPoints):
            assert {key for key, _ in item.streams} <= known
    assert isinstance(items[-1], ScanEnded)
    assert items[-1].info.decode()["node_name"] == scan
