"""Watching a session: what is told of its scans, and what the watchers print."""

from __future__ import annotations

import itertools
import multiprocessing
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import numpy as np
import pytest
import redis

from nexus_writer.data import EventType, StopHandler, connect, get_node, scan_uris
from nexus_writer.data.connection import server_time_ms
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.happenings import (
    ChannelProgress,
    Happening,
    RedisBack,
    RedisGone,
    ScanEnded,
    ScanGone,
    ScanPrepared,
    ScanProgressed,
    ScanSilent,
    ScanStarted,
)
from nexus_writer.data.keys import CHANNEL_TYPES
from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanSpec,
    SessionPublisher,
    timer,
)
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.scan_watch import RETRY_S
from nexus_writer.data.watch import NoSuchScan, Watch, scan_watcher, session_watcher
from tests.data_room.by_hand import HandPublisher
from tests.waiting import allowed_s, wait_until

SESSION = "watched"
DIODE = ChannelSpec("diode", np.float64)
IMAGE = ChannelSpec("image", np.uint16, (4, 4), node_type="lima")
SPEC = ScanSpec("loopscan", (timer(DeviceSpec("ctl", (DIODE,))),), title="loopscan 3 0.1", npoints=3)


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample")


def watching(url: str, **options: Any) -> Watch:
    return Watch.of_session(SESSION, connect(url), **options)


def until_end(watch: Iterator[Happening]) -> list[Happening]:
    """Everything up to the end of a scan."""
    told = []
    for happening in watch:
        told.append(happening)
        if isinstance(happening, ScanEnded | ScanGone):
            break
    return told


def test_a_scan_from_start_to_end(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url) as watch:
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            scan["ctl:diode"].publish(np.arange(3.0))
        started, prepared, ended = until_end(watch)
    uris = (f"{scan.filename}::/1.1",)
    assert started == ScanStarted(scan.key, "1_loopscan", "loopscan 3 0.1", uris, 3)
    assert prepared == ScanPrepared(scan.key, "1_loopscan")
    assert isinstance(ended, ScanEnded)
    assert (ended.reason, ended.exception, ended.uris, ended.npoints) == ("SUCCESS", "", uris, 3)
    assert ended.channels == {
        "timer:elapsed_time": ChannelProgress(),
        "timer:epoch": ChannelProgress(),
        "ctl:diode": ChannelProgress(3),
    }
    kinds = EventType
    assert ended.events == {kinds.NEW_NODE: 5, kinds.NEW_DATA: 1, kinds.PREPARED_SCAN: 1, kinds.END_SCAN: 1}


def test_points_are_told_when_the_scan_rests(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, progress_every_s=0.05) as watch, dataset.scan(SPEC) as scan:
        scan.prepare()
        for points in (1, 2):
            scan["ctl:diode"].publish(1.0)
            scan.flush()
            for happening in watch:
                if isinstance(happening, ScanProgressed) and happening.channels["ctl:diode"].points == points:
                    break
            assert happening.npoints == 3


def test_points_are_not_told_more_often_than_asked(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, progress_every_s=30.0) as watch:
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            for value in range(20):
                scan["ctl:diode"].publish(float(value))
                scan.flush()
        told = until_end(watch)
    assert not any(isinstance(happening, ScanProgressed) for happening in told)


def test_points_that_redis_dropped_are_lost(redis_url: str, publisher_of_points: str) -> None:
    with connect(redis_url) as client:
        ended = scan_watcher(publisher_of_points, connection=client)
    assert ended is not None
    assert ended.channels == {"epoch": ChannelProgress(points=500, lost=497)}


@pytest.fixture
def publisher_of_points(redis_client: redis.Redis) -> str:
    by_hand = HandPublisher(redis_client)
    scan = by_hand.scan()
    channel = by_hand.channel(by_hand.below(scan, "timer", "None"), "epoch")
    by_hand.points(channel, [1.0] * 500, maxlen=3, approximate=False)
    by_hand.end(scan)
    return scan


def test_images_of_a_camera_count_as_points(redis_url: str, dataset: DatasetPublisher) -> None:
    spec = ScanSpec("loopscan", (timer(DeviceSpec("cam", (IMAGE,))),), npoints=9)
    with dataset.scan(spec) as scan:
        scan.prepare()
        camera = scan.camera("cam:image")
        camera.prepare(None)
        for ready in (4, 9):
            camera.publish_status(ready)
            scan.flush()
    ended = scan_watcher(scan.key, connection=connect(redis_url))
    assert ended is not None
    assert ended.channels["cam:image"] == ChannelProgress(9)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt, "USER_ABORT"), (RuntimeError, "FAILURE: RuntimeError")],
)
def test_how_a_scan_ended(
    redis_url: str, dataset: DatasetPublisher, error: type[BaseException], reason: str
) -> None:
    with watching(redis_url) as watch:
        with pytest.raises(error), dataset.scan(SPEC):
            raise error
        ended = until_end(watch)[-1]
    assert isinstance(ended, ScanEnded)
    assert ended.reason == reason
    assert ended.channels == {}


def test_scans_that_run_beside_each_other(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url) as watch:
        with dataset.scan(SPEC) as one, dataset.scan(SPEC) as two:
            for scan, points in ((one, 2), (two, 3)):
                scan.prepare()
                scan["ctl:diode"].publish(np.arange(float(points)))
        ends = [until_end(watch)[-1], until_end(watch)[-1]]
    points = {end.scan: end.channels["ctl:diode"].points for end in ends if isinstance(end, ScanEnded)}
    assert points == {one.key: 2, two.key: 3}


def test_a_scan_that_is_not_saved_has_no_uri(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url) as watch:
        with dataset.scan(ScanSpec("ct", SPEC.chain, save=False)):
            pass
        started = until_end(watch)[0]
    assert isinstance(started, ScanStarted)
    assert started.uris == ()


def test_a_sequence_and_its_scans(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url) as watch:
        with dataset.sequence("many") as sequence:
            for _ in range(2):
                with dataset.scan(SPEC) as scan:
                    scan.prepare()
                sequence.add(scan)
        told = [happening for _ in range(3) for happening in until_end(watch)]
    ended = [happening for happening in told if isinstance(happening, ScanEnded)]
    channels = {one.name: one.channels for one in ended}
    assert set(channels) == {"1_many", "2_loopscan", "3_loopscan"}
    assert channels["1_many"]["scans"] == ChannelProgress(2)


def test_only_what_starts_from_now_on(redis_url: str, dataset: DatasetPublisher) -> None:
    with dataset.scan(SPEC) as before:
        before.prepare()
        with watching(redis_url) as watch:
            before["ctl:diode"].publish(1.0)
            before.end()
            with dataset.scan(SPEC) as scan:
                pass
            assert {happening.scan for happening in until_end(watch)} == {scan.key}  # type: ignore[union-attr]


def test_the_scan_that_runs_already(redis_url: str, dataset: DatasetPublisher) -> None:
    with dataset.scan(SPEC):
        pass
    with dataset.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(1.0)
        scan.flush()
        with watching(redis_url, running=True) as watch:
            scan["ctl:diode"].publish(2.0)
            scan.end()
            started, *_, ended = until_end(watch)
            with dataset.scan(SPEC) as later:
                pass
            assert until_end(watch)[0] == ScanStarted(
                later.key, later.name, SPEC.title, (f"{scan.filename}::/3.1",), 3
            )
    assert isinstance(started, ScanStarted) and isinstance(ended, ScanEnded)
    assert started.scan == ended.scan == scan.key
    assert ended.channels["ctl:diode"] == ChannelProgress(2)
    assert sum(ended.events.values()) == 8


def publish_without_end(url: str, root: Path) -> None:
    """Until it is killed."""
    scan = SessionPublisher(connect(url), SESSION).dataset(root, "hg123", "sample").scan(SPEC)
    scan.prepare()
    for value in range(10_000):
        scan["ctl:diode"].publish(float(value))
        scan.flush()
        time.sleep(0.01)


def test_a_scan_whose_acquisition_was_killed_is_silent(redis_url: str, tmp_path: Path) -> None:
    acquisition = multiprocessing.get_context("spawn").Process(
        target=publish_without_end, args=(redis_url, tmp_path)
    )
    with watching(redis_url, progress_every_s=0.05, silent_after_s=1.0) as watch:
        acquisition.start()
        try:
            for happening in watch:
                if isinstance(happening, ScanProgressed) and happening.channels["ctl:diode"].points >= 20:
                    break
        finally:
            acquisition.kill()
            acquisition.join()
        died = time.time()
        silent = next(happening for happening in watch if isinstance(happening, ScanSilent))
    assert silent.name == "1_loopscan"
    assert abs(silent.since - died) < allowed_s(1.0)


def test_a_silence_is_told_once_and_may_end(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, progress_every_s=0.01, silent_after_s=0.3) as watch, dataset.scan(SPEC) as scan:
        scan.prepare()
        told = [next(watch) for _ in range(3)]
        assert [type(one) for one in told] == [ScanStarted, ScanPrepared, ScanProgressed]
        assert isinstance(next(watch), ScanSilent)
        threading.Timer(1.0, lambda: (scan["ctl:diode"].publish(1.0), scan.flush())).start()
        assert isinstance(next(watch), ScanProgressed)
        assert isinstance(next(watch), ScanSilent)
        scan.end()
        assert isinstance(next(watch), ScanEnded)


def test_how_far_it_came_is_told_before_its_silence(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, progress_every_s=30.0, silent_after_s=0.2) as watch, dataset.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(1.0)
        scan.flush()
        *_, last = itertools.takewhile(lambda one: not isinstance(one, ScanSilent), watch)
    assert has_points(last, 1)


def test_a_silent_scan_that_was_deleted_is_gone(
    redis_url: str, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    with watching(redis_url, silent_after_s=0.2) as watch:
        scan = dataset.scan(SPEC)
        assert isinstance(next(watch), ScanStarted)
        redis_client.flushdb()
        assert next(one for one in watch if isinstance(one, ScanGone)) == ScanGone(scan.key, scan.name)


def test_a_sequence_is_heard_by_its_scans(redis_url: str, dataset: DatasetPublisher) -> None:
    told: list[Happening] = []
    with (
        watching(redis_url, progress_every_s=0.02, silent_after_s=0.4) as watch,
        dataset.sequence("many"),
        dataset.scan(SPEC) as scan,
    ):
        scan.prepare()
        for value in range(12):
            scan["ctl:diode"].publish(float(value))
            scan.flush()
            while not told or not has_points(told[-1], value + 1):
                told.append(next(watch))
            time.sleep(0.05)
    silent = [one.name for one in told if isinstance(one, ScanSilent)]
    assert "1_many" not in silent or scan.name in silent  # a busy machine may make both wait


def has_points(happening: Happening, points: int) -> bool:
    return isinstance(happening, ScanProgressed) and happening.channels.get(
        "ctl:diode", ChannelProgress()
    ) == ChannelProgress(points)


def test_no_scan_runs(redis_url: str, redis_client: redis.Redis, dataset: DatasetPublisher) -> None:
    with dataset.scan(SPEC):
        pass
    ended_ms = server_time_ms(redis_client)
    wait_until(lambda: server_time_ms(redis_client) > ended_ms, "another ms")
    with watching(redis_url, running=True) as watch:
        with dataset.scan(SPEC) as scan:
            pass
        assert [one.scan for one in until_end(watch) if isinstance(one, ScanStarted)] == [scan.key]


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("failing", ["FAILURE: RuntimeError", "FAILURE: ValueError"]),
        ("lima_two", ["SUCCESS"]),
        ("loopscan10", ["SUCCESS"]),
        ("sequence", ["SUCCESS"] * 7),
        ("timescan_abort", ["FAILURE: GreenletExit", "SUCCESS", "USER_ABORT"]),
        ("two_masters", ["SUCCESS"]),
    ],
)
def test_a_recorded_session(
    redis_url: str, redis_client: redis.Redis, captures: Path, name: str, reasons: list[str]
) -> None:
    recording = Recording(captures / name)
    with Watch.of_session("demo_session", connect(redis_url)) as watch:
        replaying = threading.Thread(target=replay, args=(recording, redis_client))
        replaying.start()
        ended = [until_end(watch)[-1] for _ in recording.scans]
        replaying.join()
    assert sorted(one.reason for one in ended if isinstance(one, ScanEnded)) == reasons
    for one in ended:
        assert isinstance(one, ScanEnded)
        scan = get_node(one.scan, redis_client)
        assert scan is not None
        channels = list(scan.walk(tuple(CHANNEL_TYPES), wait=False))
        assert {node.fullname: ChannelProgress(len(node)) for node in channels} == one.channels  # type: ignore[arg-type]
        assert list(one.uris) == scan_uris(scan.info.get_all())


class TestRedisAway:
    """A server that goes away and comes back."""

    def test_it_is_waited_for_and_scans_that_it_lost_are_gone(self, tmp_path: Path) -> None:
        with EmbeddedRedis() as server, connect(server.url) as client:
            dataset = SessionPublisher(client, SESSION).dataset(tmp_path, "hg123", "sample")
            with watching(server.url) as watch:
                scan = dataset.scan(SPEC)
                assert isinstance(next(watch), ScanStarted)
                server.kill()
                assert isinstance(next(watch), RedisGone)
                server.start()
                assert [next(watch), next(watch)] == [ScanGone(scan.key, "1_loopscan"), RedisBack()]
                dataset = SessionPublisher(client, SESSION).dataset(tmp_path, "hg123", "other")
                with dataset.scan(SPEC) as later:
                    later.prepare()
                ended = until_end(watch)[-1]
        assert isinstance(ended, ScanEnded)
        assert (ended.scan, ended.reason) == (later.key, "SUCCESS")

    def test_greenlets_run_while_it_waits(self, tmp_path: Path) -> None:
        with EmbeddedRedis() as server:
            watch = Watch.of_session(SESSION, connect(server.url, green=True))
            gone, ticks = gevent.event.Event(), 0

            def follow() -> None:
                for happening in watch:
                    gone.set() if isinstance(happening, RedisGone) else None

            following = gevent.spawn(follow)
            server.kill()
            assert gone.wait(60)
            until_s = time.monotonic() + 3 * RETRY_S
            while time.monotonic() < until_s:
                gevent.sleep(0.001)
                ticks += 1
            watch.close()
            following.join(60)
            assert following.successful()
        assert ticks > 30  # a few where each wait holds the thread up

    def test_closing_ends_the_wait(self, tmp_path: Path) -> None:
        with EmbeddedRedis() as server:
            watch = watching(server.url)
            server.kill()
            assert isinstance(next(watch), RedisGone)
            threading.Timer(0.2, watch.close).start()
            assert list(watch) == []


class TestWatchers:
    """What a program of a few lines sees."""

    def test_a_session_as_the_text_says(
        self, redis_url: str, dataset: DatasetPublisher, capsys: pytest.CaptureFixture[str]
    ) -> None:
        stop = StopHandler()
        options = {"connection": connect(redis_url), "stop_handler": stop}
        watcher = threading.Thread(target=session_watcher, args=(SESSION,), kwargs=options)
        watcher.start()
        printed = ""

        def has_printed(text: str) -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return text in printed

        wait_until(lambda: has_printed("Start data processing ...\n"), "started")
        wait_until(lambda: len(redis_client_names(redis_url)) > 1, "listening")
        with dataset.scan(SPEC) as scan:
            scan.prepare()
        wait_until(lambda: has_printed("END 1_loopscan\n"), "ended")
        stop.stop()
        watcher.join()
        assert has_printed("\nData processing stopped\n")
        assert f"\nSTART 1_loopscan\n URI: ['{scan.filename}::/1.1']\nCounter({{" in printed
        assert "<EventType.NEW_NODE: 1>: 5" in printed

    def test_a_scan_that_has_ended(
        self, redis_url: str, dataset: DatasetPublisher, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with dataset.scan(SPEC) as scan:
            scan.prepare()
        ended = scan_watcher(scan.key, connection=connect(redis_url))
        assert isinstance(ended, ScanEnded)
        events = Counter(ended.events)
        assert sum(events.values()) == 7
        assert capsys.readouterr().out.endswith("END 1_loopscan\n")

    @pytest.mark.parametrize("key", ["nowhere:1_scan", SESSION])
    def test_what_is_no_scan(self, redis_url: str, dataset: DatasetPublisher, key: str) -> None:
        with pytest.raises(NoSuchScan, match=f"Redis has no scan '{key}'"):
            scan_watcher(key, connection=connect(redis_url))

    def test_without_gevent_tango_and_h5py(self) -> None:
        program = (
            "import sys, nexus_writer.data.watch\n"
            "heavy = {'gevent', 'greenlet', 'h5py', 'tango'} & set(sys.modules)\n"
            "sys.exit(', '.join(heavy) or 0)"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def redis_client_names(url: str) -> list[Any]:
    """Connections of this host to Redis that listen."""
    with redis.Redis.from_url(url, protocol=2) as client:
        return [one for one in client.client_list() if "nexus-writer" in one["name"]]
