"""How much is asked of Redis at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import redis

from nexus_writer.data import EventType, get_session_node
from nexus_writer.data.keys import data as data_stream
from nexus_writer.data.link import Link
from nexus_writer.data.streams import BYTES_PER_REPLY, FIRST_COUNT, Streams
from tests.data_room.by_hand import HandPublisher, add_entry

ENTRY_BYTES = 1_000_000
ENTRIES = 40
SLACK_BYTES = 200_000


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def device(publisher: HandPublisher) -> str:
    return publisher.below(publisher.scan(), "timer", "None")


@pytest.fixture
def link(redis_client: redis.Redis) -> Iterator[Link]:
    link = Link(redis_client)
    yield link
    link.drop()


def sent_bytes(client: redis.Redis) -> int:
    """All that the server has sent so far."""
    sent: int = client.info("stats")["total_net_output_bytes"]
    return sent


def add_images(client: redis.Redis, channel: str, entries: int = ENTRIES) -> None:
    for index in range(entries):
        add_entry(client, channel, index, 1, bytes(ENTRY_BYTES))


def replies_bytes(streams: Streams[str], link: Link, client: redis.Redis, block_ms: int | None) -> list[int]:
    """What each reading brought, until there was nothing more."""
    found = []
    while True:
        before = sent_bytes(client)
        reply = streams.read(link, block_ms=block_ms)
        if not reply:
            return found
        found.append(sent_bytes(client) - before)


@pytest.mark.parametrize("block_ms", [None, 100])
def test_a_reply_of_large_entries_is_no_larger_than_it_may_be(
    publisher: HandPublisher, device: str, link: Link, block_ms: int | None
) -> None:
    streams: Streams[str] = Streams(entries_per_reply=10_000)
    images = publisher.channel(device, "images")
    add_images(publisher.client, images)
    streams.add_data(data_stream(images), images)
    found = replies_bytes(streams, link, publisher.client, block_ms)
    assert sum(found) > ENTRIES * ENTRY_BYTES
    assert max(found) <= BYTES_PER_REPLY + ENTRY_BYTES + SLACK_BYTES  # the first one is looked at before


@pytest.mark.parametrize("block_ms", [None, 100])
def test_large_entries_that_come_late_beside_small_ones(
    publisher: HandPublisher, device: str, link: Link, block_ms: int | None
) -> None:
    streams: Streams[str] = Streams(entries_per_reply=10_000)
    counter, images = (publisher.channel(device, name) for name in ("counter", "images"))
    for channel in (counter, images):
        streams.add_data(data_stream(channel), channel)
    publisher.points(counter, [0.5] * 5000)
    replies_bytes(streams, link, publisher.client, block_ms)
    add_images(publisher.client, images)
    publisher.points(counter, [0.5] * 5000, start=5000)
    found = replies_bytes(streams, link, publisher.client, block_ms)
    assert sum(found) > ENTRIES * ENTRY_BYTES
    assert max(found) <= BYTES_PER_REPLY + ENTRY_BYTES + SLACK_BYTES


def test_small_entries_are_read_many_at_a_time(publisher: HandPublisher, device: str, link: Link) -> None:
    streams: Streams[str] = Streams(entries_per_reply=10_000)
    silent, counter = (publisher.channel(device, name) for name in ("silent", "counter"))
    for channel in (silent, counter):
        streams.add_data(data_stream(channel), channel)
    publisher.points(counter, [0.5] * 5000)
    lengths = []
    while reply := streams.read(link, block_ms=None):
        lengths.append(len(reply.data[0][1]))
    assert lengths == [FIRST_COUNT, 4 * FIRST_COUNT, 16 * FIRST_COUNT, 5000 - 21 * FIRST_COUNT]


def test_a_walk_asks_for_large_points_as_they_are_taken(publisher: HandPublisher, device: str) -> None:
    counter, images = (publisher.channel(device, name) for name in ("counter", "images"))
    publisher.points(counter, [0.5] * 1000)
    frame = np.zeros(ENTRY_BYTES // 8)
    for index in range(ENTRIES):
        add_entry(publisher.client, images, index, 1, frame)
    publisher.end(device.rpartition(":")[0])
    client = publisher.client
    points, largest, before = 0, 0, sent_bytes(client)
    for event in get_session_node("session", client).walk_events(wait=False):
        now = sent_bytes(client)
        before, largest = now, max(largest, now - before)
        if event.type is EventType.NEW_DATA and event.node.db_name == images:
            points += event.data.block_size
    assert points == ENTRIES
    assert largest <= BYTES_PER_REPLY + ENTRY_BYTES + SLACK_BYTES
