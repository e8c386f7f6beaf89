"""Scans told to an observer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data import ScansObserver, ScansWatcher
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.errors import NoRedisAddress
from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    ScanSpec,
    SessionPublisher,
    camera,
    timer,
)
from nexus_writer.data.scan import NoObserver, WatcherRuns
from tests.waiting import wait_until

DEVICE = DeviceSpec("det", (ChannelSpec("diode", float), ChannelSpec("spectrum", "u4", (3,)), camera((4, 6))))
SPEC = ScanSpec("loopscan", (timer(DEVICE),), title="a scan", npoints=4)


class Noted(ScansObserver):
    """Notes what it is told; ``bad`` names a method that raises afterwards."""

    def __init__(self, bad: str = "") -> None:
        self.told: list[tuple[str, str]] = []
        self.points: dict[str, list[Any]] = {}
        self.events = 0
        self.bad = bad

    def _note(self, method: str, scan: str, what: str = "") -> None:
        self.told.append((method, f"{scan.rpartition(':')[2]} {what}".strip()))
        if method == self.bad:
            raise RuntimeError("an observer's mistake")

    def on_event_received(self, event: Any) -> None:
        self.events += 1

    def on_scan_created(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self._note("created", scan_db_name, scan_info["title"])

    def on_scan_started(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self._note("started", scan_db_name, scan_info["title"])

    def on_child_created(self, scan_db_name: str, node: Any) -> None:
        self._note("child", scan_db_name, node.name)

    def on_scalar_data_received(
        self, scan_db_name: str, channel_name: str, index: int, data_bunch: Any
    ) -> None:
        points = self.points.setdefault(channel_name, [])
        assert index == len(points)
        points.extend(data_bunch)

    def on_ndim_data_received(
        self, scan_db_name: str, channel_name: str, dim: int, index: int, data_bunch: Any
    ) -> None:
        assert dim == 1
        self.on_scalar_data_received(scan_db_name, channel_name, index, data_bunch)

    def on_lima_ref_received(
        self, scan_db_name: str, channel_name: str, dim: int, source_node: Any, event_data: Any
    ) -> None:
        assert dim == 2 and source_node.type == "lima"
        self.points[channel_name] = [event_data.description["last_image_ready"]]

    def on_scan_finished(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        self._note("finished", scan_db_name, str("end_time" in scan_info))


def publish(client: redis.Redis) -> None:
    dataset = SessionPublisher(client, "session").dataset("/data", "hg123", "sample")
    with dataset.scan(SPEC) as scan:
        scan.prepare()
        scan.camera("det:image").prepare(None)
        for points in (np.arange(2.0), np.arange(2.0, 4)):
            scan["det:diode"].publish(points)
            scan["det:spectrum"].publish(np.tile(points[:, None], 3).astype("u4"))
        scan.camera("det:image").publish_status(ready=4)


@pytest.fixture
def watcher(redis_url: str, redis_client: redis.Redis) -> Iterator[ScansWatcher]:
    with redis.Redis.from_url(redis_url, protocol=2) as own:
        watcher = ScansWatcher("session", own)
        yield watcher
        watcher.stop()


def test_a_scan_from_its_beginning_to_its_end(watcher: ScansWatcher, redis_client: redis.Redis) -> None:
    observer = Noted()
    watcher.set_observer(observer)
    with watcher.watch() as thread:
        assert thread.is_alive() and watcher.running_scan_names() == []
        publish(redis_client)
        wait_until(lambda: observer.told[-1:] == [("finished", "1_loopscan True")], "the end")
    assert not thread.is_alive() and watcher.wait_terminated(0)
    assert observer.told[0] == ("created", "1_loopscan a scan")
    children = ["timer", "det", "timer:elapsed_time", "timer:epoch", "det:diode", "det:spectrum", "det:image"]
    assert sorted(observer.told[1:-2]) == sorted(("child", f"1_loopscan {name}") for name in children)
    assert observer.told[-2] == ("started", "1_loopscan a scan")
    assert observer.points["det:diode"] == [0, 1, 2, 3]
    assert np.array(observer.points["det:spectrum"]).tolist() == [[n] * 3 for n in range(4)]
    assert observer.points["det:image"] == [3]
    assert observer.events >= 3 + len(children) + 3
    assert watcher.running_scan_names() == [] and watcher.wait_no_more_running_scans(0)


def test_scans_that_run(watcher: ScansWatcher, redis_client: redis.Redis) -> None:
    observer = Noted()
    watcher.set_observer(observer)
    dataset = SessionPublisher(redis_client, "session").dataset("/data", "hg123", "sample")
    with watcher.watch():
        first, second = dataset.scan(SPEC), dataset.scan(SPEC)
        wait_until(lambda: len(watcher.running_scan_names()) == 2, "both")
        assert watcher.running_scan_names() == [first.key, second.key]
        assert not watcher.wait_no_more_running_scans(0.01)
        first.end()
        wait_until(lambda: watcher.running_scan_names() == [second.key], "the end of the first")
        second.end()
        assert watcher.wait_no_more_running_scans(20)


@pytest.mark.parametrize("watch_groups", [False, True])
def test_groups_when_they_are_asked_for(
    watcher: ScansWatcher, redis_client: redis.Redis, watch_groups: bool
) -> None:
    observer = Noted()
    watcher.set_observer(observer)
    watcher.set_watch_scan_group(watch_groups)
    dataset = SessionPublisher(redis_client, "session").dataset("/data", "hg123", "sample")
    with watcher.watch():
        with dataset.sequence("seq") as sequence:
            with dataset.scan(SPEC) as scan:
                scan.prepare()
            sequence.add(scan)
        with dataset.scan(SPEC):
            pass
        wait_until(lambda: ("finished", "3_loopscan True") in observer.told, "the last scan")
        wait_until(lambda: not watcher.running_scan_names(), "all have ended")
    told = [what for what in observer.told if what[1].startswith("1_seq")]
    assert bool(told) == watch_groups
    if watch_groups:
        assert told[0] == ("created", "1_seq seq") and told[-1] == ("finished", "1_seq True")
        assert observer.points["scan_numbers"] == [2], "references to nodes are no data"


@pytest.mark.parametrize("exclude", [False, True])
def test_scans_that_are_there_already(
    watcher: ScansWatcher, redis_client: redis.Redis, exclude: bool
) -> None:
    dataset = SessionPublisher(redis_client, "session").dataset("/data", "hg123", "sample")
    old = dataset.scan(SPEC)
    observer = Noted()
    watcher.set_observer(observer)
    watcher.set_exclude_existing_scans(exclude)
    with watcher.watch():
        old.prepare()
        old.end()
        with dataset.scan(SPEC):
            pass
        wait_until(lambda: ("finished", "2_loopscan True") in observer.told, "the new scan")
    assert all(what.startswith("2_loopscan") for _, what in observer.told), "its beginning was not seen"
    assert observer.events == (2 if exclude else 9), "devices and channels of the old one"


@pytest.mark.parametrize("bad", ["created", "started", "child", "finished"])
def test_an_observer_that_fails_is_told_on(
    watcher: ScansWatcher, redis_client: redis.Redis, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    observer = Noted(bad)
    watcher.set_observer(observer)
    with watcher.watch():
        for _ in range(2):
            publish(redis_client)
        wait_until(lambda: sum(what == "finished" for what, _ in observer.told) == 2, "both scans")
    assert "of Noted failed: watching goes on" in caplog.text and "an observer's mistake" in caplog.text


def test_redis_goes_away(caplog: pytest.LogCaptureFixture) -> None:
    observer = Noted()
    with EmbeddedRedis() as server, server.client() as client, server.client() as own:
        watcher = ScansWatcher("session", own)
        watcher.set_observer(observer)
        with caplog.at_level(logging.WARNING), watcher.watch():
            publish(client)
            wait_until(lambda: any(what == "finished" for what, _ in observer.told), "a scan")
            server.stop()
            wait_until(lambda: "it is waited for" in caplog.text, "noticed")
            server.start()
            wait_until(lambda: watcher_is_back(client), "back")
            publish(client)
            wait_until(lambda: sum(what == "finished" for what, _ in observer.told) == 2, "another")


def watcher_is_back(client: redis.Redis) -> bool:
    try:
        return any(one["cmd"] == "xread" and "b" in one["flags"] for one in client.client_list())
    except redis.ConnectionError:
        return False


def test_stopped_by_its_observer(watcher: ScansWatcher, redis_client: redis.Redis) -> None:
    class Once(Noted):
        def on_scan_finished(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
            watcher.stop()

    watcher.set_observer(Once())
    thread = threading.Thread(target=watcher.run)
    thread.start()
    assert watcher.wait_ready(20)
    publish(redis_client)
    thread.join(60)
    assert not thread.is_alive()


def test_what_is_said_too_late(watcher: ScansWatcher) -> None:
    with pytest.raises(NoObserver, match="call set_observer"):
        watcher.run()
    watcher.set_observer(Noted())
    with watcher.watch():
        for say in (
            lambda: watcher.set_observer(Noted()),
            lambda: watcher.set_exclude_existing_scans(True),
            lambda: watcher.set_watch_scan_group(True),
            watcher.run,
        ):
            with pytest.raises(WatcherRuns, match="runs already"):
                say()


def test_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEXUS_WRITER_REDIS_URL", "BEACON_HOST"):
        monkeypatch.delenv(name, raising=False)
    watcher = ScansWatcher("session")
    watcher.set_observer(Noted())
    with pytest.raises(NoRedisAddress), watcher.watch():
        pass
