"""Ids of stream entries."""

from __future__ import annotations

import pytest
import redis

from nexus_writer.data.stream_id import just_before


@pytest.mark.parametrize("entry_id", ["5-0", "5-1", "1795156357957-0", "1-18446744073709551615"])
def test_behind_what_is_just_before_an_entry_it_is_the_first(
    redis_client: redis.Redis, entry_id: str
) -> None:
    redis_client.xadd("stream", {"a": "b"}, id=entry_id)
    before = just_before(entry_id.encode())
    ((_, entries),) = redis_client.xread({"stream": before})
    assert [one.decode() for one, _ in entries] == [entry_id]
    redis_client.delete("stream")
    redis_client.xadd("stream", {"a": "b"}, id=before)
    assert redis_client.xread({"stream": before}) == []
