"""Walks in a process of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.errors import BeaconUnreachable, DataError, NoSuchNode, RedisUnreachable
from nexus_writer.data.events import Event, EventType
from nexus_writer.data.nodes import DataNode, get_node, get_session_node
from nexus_writer.data.opaque import Opaque
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.remote import NodeContent, RemoteEvent, RemoteNodeWalker, RemoteWalk
from nexus_writer.data.stop_handler import StopHandler
from nexus_writer.process import BackendDied, MessagePipe
from tests.data_room.by_hand import HandPublisher
from tests.data_room.test_beacon import fake_beacon, message
from tests.process.programs import rss_bytes
from tests.process.traces import Traces, is_running
from tests.waiting import allowed_s

NEW_NODE, NEW_DATA, END = EventType.NEW_NODE, EventType.NEW_DATA, EventType.END_SCAN
PROGRAM = """\
from nexus_writer.data.remote import RemoteNodeWalker
from gevent.monkey import is_anything_patched

beacon_host = "localhost"
beacon_port = {port}
db_name = "session"
root_node = RemoteNodeWalker(beacon_host, beacon_port, db_name)

for event in root_node.walk_on_new_events():
    assert not is_anything_patched()
    print("type:", event.type)
    print("node:", event.node)
    print("data:", event.data)
    print()
"""


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def scan(publisher: HandPublisher) -> str:
    """A scan with three points of one channel, that has ended."""
    return publish_scan(publisher, "1_scan", [0.0, 1.0, 2.0])


@pytest.fixture
def walker(redis_url: str) -> Iterator[RemoteNodeWalker]:
    walker = RemoteNodeWalker(db_name="session", redis_url=redis_url)
    yield walker
    walker.stop()


def publish_scan(publisher: HandPublisher, name: str, points: list[float]) -> str:
    scan = publisher.scan(name)
    channel = publisher.channel(publisher.below(scan, "timer", "None"), "epoch")
    publisher.prepared(scan)
    publisher.points(channel, points)
    publisher.end(scan, state="DONE")
    return scan


def plain(event: Event | RemoteEvent) -> tuple[Any, ...]:
    """What an event says, comparable."""
    data = event.data
    if data is None:
        return event.type, event.node.db_name
    values = data.data.tolist() if isinstance(data.data, np.ndarray) else data.data
    if isinstance(values, list):
        values = [one.db_name if isinstance(one, DataNode | NodeContent) else one for one in values]
    return (
        event.type,
        event.node.db_name,
        data.first_index,
        repr(values),
        str(data.description),
        data.block_size,
    )


def sent(value: Any) -> Any:
    """As it is behind a pipe; a dtype has another name then."""
    near, far = MessagePipe.pair()
    near.send(value)
    received = far.recv()
    near.close()
    far.close()
    return received


def pid_of(walk: RemoteWalk[Any]) -> int:
    return int(walk._process.pid or 0)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("capture", ["loopscan10", "sequence", "lima_two", "dtypes", "mca", "timescan_abort"])
def test_it_tells_what_a_walk_in_this_process_tells(
    redis_client: redis.Redis, redis_url: str, captures: Path, capture: str
) -> None:
    recording = Recording(captures / capture / "timeline.jsonl.gz")
    replay(recording, redis_client)
    session = get_session_node(recording.session, redis_client)
    expected = [plain(event) for event in session.walk_events(wait=False)]
    walker = RemoteNodeWalker(db_name=recording.session, redis_url=redis_url)
    resource_tracker.ensure_running()
    before = Traces.now()
    events = list(walker.walk_events(wait=False))
    assert [plain(event) for event in events] == expected
    assert len(expected) > 10
    for event in events:
        node = get_node(event.node.db_name, redis_client)
        assert node is not None
        assert (event.node.type, event.node.name) == (node.type, node.name)
        assert repr(event.node.info) == repr(sent(node.info.get_all()))
    del walker
    assert not [one for one in Traces.now().beyond(before) if isinstance(one, int)]


def test_nodes_channels_too(walker: RemoteNodeWalker, scan: str, redis_client: redis.Redis) -> None:
    session = get_session_node("session", redis_client)
    expected = [node.db_name for node in session.walk(wait=False)]
    assert expected[-1].endswith("epoch")
    assert [node.db_name for node in walker.walk(wait=False)] == expected
    assert [node.db_name for node in walker.walk("channel", wait=False)] == expected[-1:]
    assert [node.db_name for node in walker.walk_from_last("scan", wait=False)] == [scan]
    assert list(walker.walk_from_last("scan", wait=False, include_last=False)) == []


def test_a_content_can_be_gone_on_with(walker: RemoteNodeWalker, scan: str) -> None:
    content = next(walker.walk("scan", wait=False))
    assert content == NodeContent(
        "scan", "1_scan", scan, {"title": "a scan", "state": "DONE"}, walker.redis_url
    )
    below = RemoteNodeWalker(db_name=content.db_name, redis_url=content.redis_url)
    assert [node.name for node in below.walk(wait=False)] == ["timer", "epoch"]
    with redis.Redis.from_url(content.redis_url) as client:
        assert client.exists(content.db_name)


def test_values_that_are_not_decoded_arrive(walker: RemoteNodeWalker, publisher: HandPublisher) -> None:
    scan = publisher.scan()
    publisher.client.hset(f"{scan}_info", "odd", b"cno.such\nThing\n.")
    (content,) = walker.walk("scan", wait=False)
    assert content.info["odd"] == Opaque("no.such", "Thing")


def test_new_events_come_as_they_happen(
    walker: RemoteNodeWalker, publisher: HandPublisher, scan: str
) -> None:
    started = threading.Event()
    walk = walker.walk_on_new_events("scan", started_event=started)
    publish_scan(publisher, "2_scan", [5.0])
    told = [next(walk) for _ in range(3)]
    assert started.is_set()
    assert [event.node.name for event in told] == ["2_scan"] * 3
    assert told[-1].type is END
    assert told[-1].node.info["state"] == "DONE"


def test_functions_may_be_asked_in_the_other_process(walker: RemoteNodeWalker, scan: str) -> None:
    assert [node.name for node in walker.walk(is_no_scan, wait=False)] == ["timer", "epoch"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"active_streams": {}}, "takes no active_streams: go on with another walk"),
        ({"stop_handler": StopHandler()}, r"takes no stop_handler: call close\(\) or stop\(\)"),
        ({"include_filter": lambda node: True}, "include_filter cannot go to another process"),
        ({"exclude_children": threading.Lock().acquire}, "exclude_children cannot go to another process"),
        ({"first": 1}, "a walk has no option first: it has include_filter, active_streams"),
    ],
)
def test_what_cannot_cross_is_said_in_one_line(
    walker: RemoteNodeWalker, options: dict[str, Any], words: str
) -> None:
    before = set(multiprocessing.active_children())
    for walk in (walker.walk, walker.walk_from_last, walker.walk_events, walker.walk_on_new_events):
        with pytest.raises(TypeError, match=words) as raised:
            walk(**options)  # type: ignore[operator]
        assert "\n" not in str(raised.value)
    assert set(multiprocessing.active_children()) == before


def test_a_function_that_was_typed_at_a_prompt_is_refused(redis_url: str) -> None:
    program = (
        "from nexus_writer.data import RemoteNodeWalker\n"
        "def is_scan(node): return node.type == 'scan'\n"
        f"walker = RemoteNodeWalker(db_name='session', redis_url={redis_url!r})\n"
        "try: walker.walk(is_scan)\n"
        "except TypeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("include_filter is defined in a notebook or at a prompt: give node types")
    assert done.stderr == ""


def is_no_scan(node: DataNode) -> bool:
    return node.type != "scan"


def test_a_killed_walk_raises_at_once(walker: RemoteNodeWalker, scan: str) -> None:
    walk = walker.walk_events()
    while next(walk).type is not END:
        pass
    killed_s: list[float] = []

    def kill() -> None:
        killed_s.append(time.monotonic())
        os.kill(pid_of(walk), signal.SIGKILL)

    killer = threading.Timer(0.2, kill)
    killer.start()
    with pytest.raises(BackendDied, match="SIGKILL"):
        next(walk)
    assert time.monotonic() - killed_s[0] < allowed_s(0.2)
    with pytest.raises(StopIteration):
        next(walk)
    killer.join()


def test_leaving_the_loop_ends_the_process(walker: RemoteNodeWalker, scan: str) -> None:
    with walker.walk_events() as walk:
        next(walk)
        pid = pid_of(walk)
        assert is_running(pid)
    assert not is_running(pid)
    walk = walker.walk_events()
    next(walk)
    pid = pid_of(walk)
    del walk
    wait_until(lambda: not is_running(pid))


def test_a_walk_that_waits_is_ended_from_another_thread(walker: RemoteNodeWalker, scan: str) -> None:
    walk = walker.walk_events()
    while next(walk).type is not END:
        pass
    closer = threading.Timer(0.2, walker.stop)
    closer.start()
    begun_s = time.monotonic()
    assert list(walk) == []
    assert time.monotonic() - begun_s < allowed_s(0.5)
    closer.join()


def test_walks_in_many_threads(walker: RemoteNodeWalker, scan: str) -> None:
    found: list[list[str]] = []
    walks = [walker.walk(wait=False) for _ in range(3)]

    def follow(walk: RemoteWalk[NodeContent]) -> None:
        found.append([node.name for node in walk])

    threads = [threading.Thread(target=follow, args=(walk,)) for walk in walks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["1_scan", "timer", "epoch"]] * 3


def test_walks_in_asyncio(walker: RemoteNodeWalker, publisher: HandPublisher, scan: str) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    async def follow() -> list[str]:
        async with walker.walk_events("scan") as walk:
            told = []
            async for event in walk:
                told.append(event.node.name)
                if event.type is END and event.node.name == "2_scan":
                    return told
        raise AssertionError(told)

    async def main() -> list[list[str]]:
        ticking = asyncio.create_task(tick())
        following = [asyncio.create_task(follow()) for _ in range(2)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(publish_scan, publisher, "2_scan", [1.0])
        found = await asyncio.gather(*following)
        ticking.cancel()
        return found

    found = asyncio.run(main())
    assert [sorted(names) for names in found] == [["1_scan"] * 3 + ["2_scan"] * 3] * 2
    assert ticks > 5


def test_a_slow_caller_slows_the_walk(walker: RemoteNodeWalker, publisher: HandPublisher) -> None:
    scan = publisher.scan()
    device = publisher.below(scan, "mca", "None")
    channel = publisher.channel(device, "spectrum", shape=(4096,))
    for start in range(0, 4000, 500):
        publisher.points(channel, [np.zeros(4096)] * 500, start)
    walk = walker.walk_events("channel", wait=False)
    assert next(walk).type is NEW_NODE
    before_bytes = rss_bytes(pid_of(walk))
    time.sleep(1)
    assert rss_bytes(pid_of(walk)) - before_bytes < 60e6  # of the 131 MB that are in Redis
    stop = 0
    for event in walk:
        if event.data is not None:
            assert event.data.first_index == stop
            stop += event.data.block_size
    assert stop == 4000


def test_it_goes_on_when_redis_comes_back(redis_server: EmbeddedRedis, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        publish_scan(HandPublisher(client), "1_scan", [0.0])
    with RemoteNodeWalker(db_name="session", redis_url=redis_url).walk_events("scan") as walk:
        while next(walk).type is not END:
            pass
        stopper = threading.Timer(0.2, redis_server.stop)
        stopper.start()
        with pytest.raises(redis.ConnectionError):
            next(walk)
        stopper.join()
        redis_server.start()
        with redis.Redis.from_url(redis_url, protocol=2) as client:
            publish_scan(HandPublisher(client), "2_scan", [0.0])
        while (event := next_after_errors(walk)).type is not END:
            pass
        assert event.node.name == "2_scan"


def next_after_errors(walk: RemoteWalk[RemoteEvent]) -> RemoteEvent:
    while True:
        try:
            return next(walk)
        except redis.ConnectionError:
            time.sleep(0.01)


def test_what_hinders_a_walk_is_said(redis_url: str, scan: str) -> None:
    with pytest.raises(NoSuchNode, match="no node 'session:nothing' in Redis"):
        next(RemoteNodeWalker(db_name="session:nothing", redis_url=redis_url).walk())
    with pytest.raises(RedisUnreachable, match="start it, or correct the address"):
        next(RemoteNodeWalker(db_name="session", redis_url="redis://127.0.0.1:1").walk())
    with pytest.raises(RedisUnreachable):
        RemoteNodeWalker(db_name="session", redis_url="redis://127.0.0.1:1").walk_on_new_events()
    with pytest.raises(BeaconUnreachable):
        RemoteNodeWalker("127.0.0.1", 1, "session")
    with pytest.raises(DataError, match="not a Redis address"):
        RemoteNodeWalker(db_name="session", redis_url="http://x")
    with pytest.raises(TypeError, match="db_name"):
        RemoteNodeWalker("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("redis://h:1", "redis://h:1/1"),
        ("redis://h:1/", "redis://h:1/1"),
        ("redis://h:1/0", "redis://h:1/0"),
        ("redis://h:1?db=3", "redis://h:1?db=3"),
        ("unix:///r.sock", "unix:///r.sock?db=1"),
        ("unix:///r.sock?db=2", "unix:///r.sock?db=2"),
    ],
)
def test_the_database_is_named(given: str, full: str) -> None:
    assert RemoteNodeWalker(db_name="session", redis_url=given).redis_url == full


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_the_example_as_it_is_printed(
    redis_client: redis.Redis, redis_url: str, publisher: HandPublisher, tmp_path: Path, how: str
) -> None:
    port = redis_url.rpartition(":")[2].partition("/")[0].encode()
    with fake_beacon(lambda kind, payload: message(34, payload + b"127.0.0.1|" + port)) as beacon:
        code = PROGRAM.format(port=beacon.address.rpartition(":")[2])
        path = tmp_path / "example.py"
        path.write_text(code)
        command = [sys.executable, "-u", *([str(path)] if how == "file" else ["-"])]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as program:
            assert program.stdin
            assert program.stdout
            if how == "stdin":
                program.stdin.write(code)
            program.stdin.close()
            killer = threading.Timer(100, program.kill)
            killer.start()
            wait_until(lambda: "xread" in [client["cmd"] for client in redis_client.client_list()])
            publish_scan(publisher, "1_scan", [1.5])
            lines: list[str] = []
            while not lines or not lines[-1].startswith("data: EventData") or "END_SCAN" not in lines[-1]:
                lines.append(program.stdout.readline())
                assert lines[-1]
            program.send_signal(signal.SIGINT)
            assert program.wait(60) != 0
            killer.cancel()
            assert program.stderr
            assert program.stderr.read().strip().splitlines()[-1] == "KeyboardInterrupt"
    text = "".join(lines)
    assert [line.strip() for line in lines if line.startswith("type:")] == [
        *["type: EventType.NEW_NODE"] * 3,
        "type: EventType.PREPARED_SCAN",
        "type: EventType.NEW_DATA",
        "type: EventType.END_SCAN",
    ]
    assert "array([1.5])" in text
    assert "node: NodeContent(type='channel', name='epoch'" in text
