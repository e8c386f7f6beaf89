"""Streams between two processes are not absurdly slow; ``benchmarks/streams.py`` has what they must reach."""

from __future__ import annotations

import pytest

from benchmarks.streams import KB, PLAIN, SHARED, pairs
from tests.waiting import allowed_s

SLACK = 10


@pytest.mark.parametrize(
    ("kind", "nbytes", "chunks_s", "latency_us"), [(PLAIN, KB, 16_438, 220), (SHARED, 64 * KB, 39_980, 201)]
)
def test_streams_are_not_far_slower_than_others(
    kind: str, nbytes: int, chunks_s: float, latency_us: float
) -> None:
    """A tenth of what pyacq was measured to do; each chunk is compared with what was sent."""
    count = 3000
    with pairs(nbytes, [kind]) as made:
        pair = made[kind]
        fastest = max(pair.chunks_s(count) for _ in range(3))
        assert count / fastest < allowed_s(SLACK * count / chunks_s)
        assert pair.latency_us(50) / 1e6 < allowed_s(100 * SLACK * latency_us / 1e6)
