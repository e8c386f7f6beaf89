"""What Redis still has of a channel."""

from __future__ import annotations

import redis

from nexus_writer.data import keys
from nexus_writer.data.history import entries_up_to
from nexus_writer.data.link import Link


def publish(client: redis.Redis, channel: str, first: int, last: int) -> None:
    for index in range(first, last + 1):
        client.xadd(keys.data(channel), {"value": index}, id=f"{index}-0", maxlen=1000, approximate=False)


def ids(link: Link, channel: str, last: bytes, count: int) -> list[bytes]:
    return [entry[0] for part in entries_up_to(link, channel, last, count) for entry in part]


def test_everything_up_to_an_entry_by_parts(redis_client: redis.Redis) -> None:
    publish(redis_client, "channel", 1, 25)
    link = Link(redis_client)
    for count in (1, 5, 7, 100):
        assert ids(link, "channel", b"20-0", count) == [b"%d-0" % index for index in range(1, 21)]
    link.drop()


def test_what_was_trimmed_is_not_there(redis_client: redis.Redis) -> None:
    publish(redis_client, "trimmed", 1, 1010)
    link = Link(redis_client)
    assert ids(link, "trimmed", b"20-0", 4) == [b"%d-0" % index for index in range(11, 21)]
    assert ids(link, "nothing", b"20-0", 4) == []
    link.drop()
