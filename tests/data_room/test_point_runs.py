"""Points out of the bytes of a reply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.data import keys
from nexus_writer.data._incoming import NOTHING, Incoming
from nexus_writer.data.errors import Undecodable
from nexus_writer.data.link import Link
from nexus_writer.data.point_runs import Found, KnownRows, bulk
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.streams import LEAST_COUNT, LEAST_RUN, Streams
from nexus_writer.model import Block
from tests.data_room.by_hand import HandPublisher, add_entry

POINTS = 3000
END_LIKE = np.frombuffer(b"*-1\r\n" * 16, np.uint8)


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def link(redis_client: redis.Redis) -> Iterator[Link]:
    link = Link(redis_client)
    yield link
    link.drop()


def streams_of(channels: Sequence[str], entries_per_reply: int = 1000) -> Streams[str]:
    streams: Streams[str] = Streams(entries_per_reply=entries_per_reply, runs=True)
    streams.control.add(b"children", "children")
    for channel in channels:
        streams.add_data(keys.data(channel), channel)
    return streams


class Read:
    """All that was read of some channels: the blocks of each, and how many entries came as runs."""

    def __init__(self) -> None:
        self.blocks: defaultdict[str, list[Block]] = defaultdict(list)
        self.in_runs: defaultdict[str, int] = defaultdict(int)
        self.last_ids: dict[str, bytes] = {}
        self._decoders: dict[str, PointDecoder] = {}

    def read(self, streams: Streams[str], link: Link) -> None:
        while reply := streams.read(link, block_ms=None):
            assert {label for label, _ in reply.data}.isdisjoint(label for label, _ in reply.runs)
            for channel, entries in reply.data:
                decoder = self._decoders.setdefault(channel, PointDecoder(channel))
                self.blocks[channel] += decoder.decode(entries)
            for channel, run in reply.runs:
                self.blocks[channel].append(Block(channel, run.start, run.values))
                self.in_runs[channel] += run.entries
                assert self.last_ids.get(channel) != run.last_id, "it came before"
                self.last_ids[channel] = run.last_id

    def values(self, channel: str) -> Any:
        starts = [block.start for block in self.blocks[channel]]
        stops = [block.stop for block in self.blocks[channel]]
        assert starts == [0, *stops[:-1]]
        return np.concatenate([block.values for block in self.blocks[channel]])


def ramp(dtype: Any, shape: tuple[int, ...] = (), points: int = POINTS) -> Any:
    numbers = np.arange(points).reshape(-1, *(1 for _ in shape))
    return np.broadcast_to(numbers, (points, *shape)).astype(dtype)


@pytest.mark.parametrize(
    "values",
    [ramp("<f8"), ramp(">i4"), ramp("u1"), ramp("?"), ramp("<c16"), ramp("<u2", (3,)), ramp("<f4", (2, 700))],
    ids=lambda values: f"{values.dtype.str}{values.shape[1:]}",
)
def test_a_backlog_comes_as_runs(publisher: HandPublisher, link: Link, values: Any) -> None:
    publisher.points("c", [*values])
    found = Read()
    found.read(streams_of(["c"]), link)
    assert np.array_equal(found.values("c"), values)
    assert found.values("c").dtype == values.dtype.newbyteorder("=")
    assert found.in_runs["c"] > POINTS // 2


def test_blocks_of_points_and_texts_beside_them(publisher: HandPublisher, link: Link) -> None:
    values, texts = ramp("<f8", points=5 * POINTS), [f"text {index}" for index in range(POINTS)]
    for start in range(0, len(values), 5):
        publisher.block("blocks", values[start : start + 5], start)
    publisher.points("scalars", [*values[:POINTS]])
    publisher.points("texts", texts)
    found = Read()
    found.read(streams_of(["texts", "blocks", "scalars"]), link)
    assert np.array_equal(found.values("blocks"), values)
    assert np.array_equal(found.values("scalars"), values[:POINTS])
    assert found.values("texts").tolist() == texts
    assert found.in_runs["blocks"] > POINTS // 2
    assert not found.in_runs["texts"]


def test_what_is_said_in_between_comes_too(publisher: HandPublisher, link: Link) -> None:
    publisher.points("c", [*ramp("<f8")])
    streams, found = streams_of(["c"], 100), Read()
    while not found.in_runs["c"]:
        reply = streams.read(link, block_ms=None)
        found.in_runs["c"] += sum(run.entries for _, run in reply.runs)
    publisher.client.xadd("children", {"db_name": "d"})
    reply = streams.read(link, block_ms=None)
    assert [label for label, _ in reply.control] == ["children"]
    assert [label for label, _ in reply.runs] == ["c"]


def test_many_channels_come_as_long_runs_as_soon_as_one_is_known(
    publisher: HandPublisher, link: Link
) -> None:
    channels = [f"c{number}" for number in range(300)]
    for channel in channels:
        publisher.points(channel, [*ramp("<f8", points=72 + LEAST_COUNT)])
    streams, lengths = streams_of(channels), []
    while reply := streams.read(link, block_ms=None):
        lengths.append({len(entries) for _, entries in reply.data} | {run.entries for _, run in reply.runs})
    assert lengths == [{LEAST_COUNT}, {LEAST_RUN}, {72 - LEAST_RUN}]


OTHERS = {
    "another type": lambda client, index: add_entry(client, "c", index, 1, np.int32(index)),
    "another length": lambda client, index: add_entry(client, "c", index, 2, np.arange(2.0) + index),
    "an integer of Python": lambda client, index: add_entry(client, "c", index, 1, index),
    "the end of a reply": lambda client, index: add_entry(client, "c", index, 1, END_LIKE),
    "a gap": lambda client, index: add_entry(client, "c", index + 1, 1, np.float64(index)),
    "a second half of an id": lambda client, index: client.xadd(
        keys.data("c"), client.xrange(keys.data("c"), count=1)[0][1], id=f"{index}-1"
    ),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("at", [1500, POINTS])
def test_one_other_entry_among_many(
    publisher: HandPublisher, link: Link, other: Callable[[redis.Redis, int], None], at: int
) -> None:
    """What comes is what the decoder makes of all entries."""
    publisher.points("c", [*ramp("<f8", points=at)])
    other(publisher.client, at)
    publisher.points("c", [*ramp("<f8", points=at)], start=at + 2)
    found = Read()
    found.read(streams_of(["c"]), link)
    entries = link.call(b"XRANGE", keys.data("c"), b"-", b"+")
    expected = PointDecoder("c").decode(entries)
    assert points_of(found.blocks["c"]) == points_of(expected)
    assert found.in_runs["c"] > at // 2


def points_of(blocks: Sequence[Block]) -> list[tuple[int, Any]]:
    return [
        (block.start + index, value)
        for block in blocks
        for index, value in enumerate(block.values.astype(object).tolist())
    ]


def test_entries_that_are_never_as_expected_are_left_to_the_parser(
    publisher: HandPublisher, link: Link
) -> None:
    """Every second point came: no id follows the one before."""
    channels = ["c", "d"]
    publisher.points("d", [*ramp("<f8", points=4 * POINTS)])
    with publisher.client.pipeline(transaction=False) as pipeline:
        for index in range(0, 8 * POINTS, 2):
            add_entry(pipeline, "c", index, 1, np.float64(index))
        pipeline.execute()
    found = Read()
    found.read(streams_of(channels, 100), link)
    assert [start for start, _ in points_of(found.blocks["c"])] == [*range(0, 8 * POINTS, 2)]
    assert not found.in_runs["c"]
    assert np.array_equal(found.values("d"), ramp("<f8", points=4 * POINTS))
    assert found.in_runs["d"] > 2 * POINTS


def test_an_error_of_redis_is_raised_and_reading_goes_on(publisher: HandPublisher, link: Link) -> None:
    publisher.points("c", [*ramp("<f8")])
    streams, found = streams_of(["c"], 100), Read()
    for _ in range(3):
        found.in_runs["c"] += sum(run.entries for _, run in streams.read(link, block_ms=None).runs)
    assert found.in_runs["c"]
    position = streams.data[keys.data("c")]
    publisher.client.rename(keys.data("c"), "kept")
    publisher.client.set(keys.data("c"), b"no stream")
    with pytest.raises(redis.ResponseError):
        streams.read(link, block_ms=None)
    assert link.connected
    publisher.client.rename("kept", keys.data("c"))
    assert streams.data[keys.data("c")] == position
    assert streams.read(link, block_ms=None).runs[0][1].start == position.entries


def test_a_lost_connection_costs_nothing(publisher: HandPublisher, link: Link) -> None:
    publisher.points("c", [*ramp("<f8")])
    streams, found = streams_of(["c"], 100), Read()
    reply = streams.read(link, block_ms=None)
    while not reply.runs:
        reply = streams.read(link, block_ms=None)
    next_point = reply.runs[0][1].start + reply.runs[0][1].entries
    publisher.client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis.ConnectionError):
        streams.read(link, block_ms=None)
    assert streams.read(link, block_ms=None).runs[0][1].start == next_point
    assert not found.blocks


# -- bytes that come in pieces --


def reply_to(link: Link, channels: Sequence[str]) -> bytes:
    """The bytes of a reply to XREAD with all of these streams, and of an empty one."""

    def everything(receive_into: Callable[[memoryview], int]) -> bytes:
        buffer, received = bytearray(2**22), 0
        while not buffer.endswith(b"+PONG\r\n", 0, received):
            received += receive_into(memoryview(buffer)[received:])
        return bytes(buffer[: received - len(b"+PONG\r\n")])

    names = [keys.data(channel) for channel in channels]
    arguments = [b"XREAD", b"STREAMS", *names, *[b"0-0"] * len(names)]
    command = b"*%d\r\n%b" % (len(arguments), b"".join(map(bulk, arguments)))
    return link.read(command + b"*1\r\n$4\r\nPING\r\n", everything) + NOTHING


def in_pieces(data: bytes, sizes: Sequence[int]) -> Callable[[memoryview], int]:
    """Receives ``data`` in pieces of these sizes, again and again."""
    done = number = 0

    def receive_into(view: memoryview) -> int:
        nonlocal done, number
        assert done < len(data), "it waits for what will not come"
        piece = data[done : done + min(sizes[number % len(sizes)], len(view))]
        view[: len(piece)] = piece
        done, number = done + len(piece), number + 1
        return len(piece)

    return receive_into


@pytest.fixture
def reply(publisher: HandPublisher, link: Link) -> tuple[bytes, KnownRows]:
    """Of four channels: two of numbers, one whose last entries are shorter, one whose points look like the
    end of the reply; and what their entries look like."""
    publisher.points("numbers", [*ramp("<f8", points=120)])
    publisher.points("likes", [END_LIKE] * 120)
    publisher.points("vectors", [*ramp("<f8", (60,), 120)])
    publisher.points("shorter", [*ramp("<f8", (3,), 110), *ramp("u1", points=10)])
    known = KnownRows()
    for channel in ("numbers", "likes", "vectors", "shorter"):
        entries = link.call(b"XRANGE", keys.data(channel), b"-", b"+", b"COUNT", 1)
        known.learn([[keys.data(channel), entries]], 1)
    return reply_to(link, ["numbers", "likes", "vectors", "shorter"]), known


def check(found: Found | None) -> None:
    """All points are there; what comes first is a run, whatever the pieces."""
    assert found is not None
    runs, parsed = found
    values = {name: run.values for name, run in runs}
    for name, entries in parsed:
        blocks = PointDecoder("").decode(entries)
        values[name] = blocks[0].values if len(blocks) == 1 else [len(block) for block in blocks]
    assert runs[0][0] == keys.data("numbers")
    assert np.array_equal(values[keys.data("numbers")], ramp("<f8", points=120))
    assert np.array_equal(values[keys.data("likes")], [END_LIKE] * 120)
    assert np.array_equal(values[keys.data("vectors")], ramp("<f8", (60,), 120))
    assert values[keys.data("shorter")] == [110, 10]


def test_a_reply_may_come_in_any_pieces(reply: tuple[bytes, KnownRows]) -> None:
    data, known = reply
    for size in (1, 5, 7, 63, 1000):
        check(known.read(Incoming(in_pieces(data, [size]), NOTHING)))
    found = known.read(Incoming(in_pieces(data, [2**20]), NOTHING))
    check(found)
    assert found is not None
    assert [name for name, _ in found[1]] == [keys.data("shorter")]

    @given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
    def any_pieces(sizes: list[int]) -> None:
        known._misses.clear()
        check(known.read(Incoming(in_pieces(data, sizes), NOTHING)))

    any_pieces()


def test_every_changed_byte_is_noticed(publisher: HandPublisher, link: Link) -> None:
    """The changed reply makes the same points as the parser and the decoder, or none."""
    publisher.points("c", [*ramp("<f8", points=12)])
    whole = reply_to(link, ["c"])
    rows = KnownRows()
    rows.learn(parsed(whole), 1)
    for at in range(len(whole) - len(NOTHING)):
        changed = bytearray(whole)
        changed[at] ^= 1 + at % 255
        try:
            expected = decoded(parsed(bytes(changed)))
        except (AssertionError, redis.InvalidResponse, TypeError, ValueError, IndexError):
            continue  # it is no reply any more
        found = rows.read(Incoming(in_pieces(bytes(changed), [2**20]), NOTHING))
        assert found is not None
        runs = {name: [(run.start, run.values.tobytes())] for name, run in found[0]}
        assert runs | decoded(found[1]) == expected
        rows._misses.clear()


def parsed(data: bytes) -> Any:
    return Incoming(in_pieces(data, [2**20]), NOTHING).parsed()


def decoded(streams: Any) -> dict[bytes, Any]:
    """Starts and bytes of the blocks, by stream; None where they are undecodable."""
    found: dict[bytes, Any] = {}
    for name, entries in streams:
        try:
            blocks = PointDecoder("").decode(entries)
            found[name] = [(block.start, block.values.tobytes()) for block in blocks]
        except Undecodable:
            found[name] = None
    return found


def test_a_connection_that_ends_within_a_reply(reply: tuple[bytes, KnownRows]) -> None:
    data, known = reply
    for stop in (0, 1, 3, 20, 100, 5000, len(data) - 6, len(data) - 1):
        receive_into = in_pieces(data[:stop], [997])

        def closed(view: memoryview, receive_into: Any = receive_into) -> int:
            try:
                received: int = receive_into(view)
            except AssertionError:
                return 0
            return received

        with pytest.raises(redis.ConnectionError):
            known.read(Incoming(closed, NOTHING))
