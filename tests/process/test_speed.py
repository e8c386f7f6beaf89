"""The benchmark of messages measures what it says; its limits are for a machine that does nothing else.

What is tested here is thirty times slower than usual, or worse.
"""

from __future__ import annotations

from benchmarks.messages import ASYNC, CHECKED, PLAIN, RAW, ratio, round_trips, too_slow


def test_no_round_trip_takes_many_times_that_of_a_bare_pipe() -> None:
    trips = round_trips(1, {64: 200, 1 << 20: 20})
    for size, turns in trips.items():
        assert ratio(turns, PLAIN, RAW) < 30, (size, turns)
        assert ratio(turns, ASYNC, PLAIN) < 30, (size, turns)


def test_the_limits_of_the_benchmark() -> None:
    good = {RAW: 10.0, PLAIN: 11.9, ASYNC: 23.7}
    assert too_slow({size: [good] for size in CHECKED}) == []
    slow = {RAW: 10.0, PLAIN: 12.1, ASYNC: 24.3}
    assert too_slow({64: [good], 1 << 20: [slow]}) == [
        "MessageProcess, 1048576 bytes: 1.21 x raw pipe, more than 1.2",
        "AsyncBackMessageProcess, 1048576 bytes: 2.01 x MessageProcess, more than 2.0",
    ]
