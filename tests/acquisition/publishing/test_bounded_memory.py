"""What a publisher keeps of a scan that lasts, and of points that may not go out yet."""

from __future__ import annotations

import tracemalloc

import numpy as np
import redis

from nexus_writer.acquisition import InputStream, OutputStream
from nexus_writer.acquisition.publishing import StreamChannels
from nexus_writer.acquisition.publishing.lag_guard import LagGuard
from nexus_writer.acquisition.publishing.stream_feed import StreamFeed

from .streams import SESSION


def test_single_points_that_are_kept_back_take_little_more_than_their_bytes() -> None:
    output, source = OutputStream(), InputStream()
    output.configure(shape=(-1, 1), dtype="float64", transfermode="sharedmem", buffer_size=256)
    source.connect(output)
    feed = StreamFeed(source, StreamChannels("i0", source.params), "i0")
    tracemalloc.start()
    try:
        for number in range(20_000):
            output.send(np.full((1, 1), number, "float64"))
            feed.receive(2**26)
        kept_nbytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        source.close()
        output.close()
    assert feed.points == 20_000
    assert feed.pending_nbytes == 160_000
    assert kept_nbytes < 1_000_000


def test_gaps_of_a_stream_that_loses_all_the_time_are_counted_and_not_all_kept() -> None:
    output, source = OutputStream(), InputStream()
    output.configure(shape=(-1, 1), dtype="float64", transfermode="sharedmem", buffer_size=256)
    source.connect(output)
    feed = StreamFeed(source, StreamChannels("i0", source.params), "i0")
    try:
        for number in range(3000):
            output.send(np.zeros((1, 1)), index=3 * (number + 1))
            feed.receive(2**26)
    finally:
        source.close()
        output.close()
    assert feed.missing == 6000
    assert feed.gaps == [(3 * number, 3 * number + 2) for number in range(1000)]


def test_flushes_of_a_scan_that_nobody_saves_are_not_all_remembered(redis_client: redis.Redis) -> None:
    guard = LagGuard(redis_client, SESSION, "simulated:1_timescan", 2048)
    tracemalloc.start()
    try:
        for _ in range(50_000):
            guard.published(1)
        kept_nbytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert guard.fill == 1.0
    assert kept_nbytes < 1_000_000
