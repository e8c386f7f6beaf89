"""Points that wait for the next flush."""

from __future__ import annotations

import numpy as np
import pytest

from nexus_writer.data.point_runs import PointRun
from nexus_writer.subscribers.pending_points import FIRST_WITHIN_S, MOST_ENTRIES, PendingPoints

CLOCK = "nexus_writer.subscribers.pending_points.time.monotonic"


def entries(count: int, nbytes: int = 8) -> list[list[object]]:
    return [[b"%d-0" % number, [b"data", bytes(nbytes)]] for number in range(1, count + 1)]


def waiting(pending: PendingPoints) -> dict[str, int]:
    return {
        key: sum(part.entries if isinstance(part, PointRun) else len(part) for part in parts)
        for key, parts in pending.streams()
    }


def after_the_first_of(pending: PendingPoints, *channels: str) -> None:
    """The first points of these channels are in the file."""
    for channel in channels:
        pending.add(channel, entries(1))
    pending.clear()


def test_nothing_is_due_before_something_was_received() -> None:
    pending = PendingPoints(100, 0.25)
    assert (pending.seconds_to_flush(), pending.age_s(), bool(pending)) == (None, 0.0, False)


def test_they_are_due_when_the_oldest_has_waited_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [10.0]
    monkeypatch.setattr(CLOCK, lambda: clock[0])
    pending = PendingPoints(10_000, 0.25)
    clock[0] = 9.0
    after_the_first_of(pending, "a", "b")
    clock[0] = 10.0
    pending.begin(9.9)
    pending.add("a", entries(1))
    pending.begin(10.0)
    pending.add("a", entries(2))
    pending.add("b", entries(1))
    assert waiting(pending) == {"a": 3, "b": 1}
    assert pending.seconds_to_flush() == pytest.approx(0.15)
    assert pending.age_s() == pytest.approx(0.1)
    clock[0] = 12.0
    assert pending.seconds_to_flush() == 0.0
    pending.clear()
    assert (pending.seconds_to_flush(), pending.age_s(), waiting(pending)) == (None, 0.0, {})


def test_entries_are_due_when_they_are_many_however_small_they_are() -> None:
    """With more channels more of them: a flush costs something for each channel."""
    channels = [f"channel{number}" for number in range(200)]
    pending = PendingPoints(2**25, 3600.0)
    after_the_first_of(pending, *channels)
    pending.begin(0.0)
    pending.add("channel0", entries(100 * MOST_ENTRIES - 1))
    assert pending.seconds_to_flush() != 0.0
    pending.add("channel0", entries(1))
    assert pending.seconds_to_flush() == 0.0
    for channel in channels[1:]:
        pending.add(channel, entries(1))
    assert pending.seconds_to_flush() != 0.0
    pending.add("channel0", entries(100 * MOST_ENTRIES))
    assert pending.seconds_to_flush() == 0.0
    pending.clear()
    pending.begin(0.0)
    pending.add("channel0", entries(1))
    assert pending.seconds_to_flush() != 0.0


def test_they_are_due_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, lambda: 0.0)
    pending = PendingPoints(100, 0.25)
    after_the_first_of(pending, "a", "b")
    pending.begin(0.0)
    pending.add("a", entries(12))
    assert pending.seconds_to_flush() == 0.25
    pending.add("b", entries(1))
    assert pending.seconds_to_flush() == 0.0
    pending.clear()
    pending.begin(0.0)
    assert pending.seconds_to_flush() == 0.25


def test_runs_count_by_their_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, lambda: 0.0)
    pending = PendingPoints(100, 0.25)
    after_the_first_of(pending, "a", "b")
    pending.begin(0.0)
    pending.add("a", entries(2))
    pending.add_run("a", PointRun(2, np.zeros(10), 10, b"12-0"))
    assert waiting(pending) == {"a": 12}
    assert pending.seconds_to_flush() == 0.25
    pending.add_run("b", PointRun(0, np.zeros(1), 1, b"1-0"))
    assert pending.seconds_to_flush() == 0.0


def test_what_came_of_something_that_is_not_kept_here_is_due_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress of a camera: it makes a flush, without an entry that waits."""
    monkeypatch.setattr(CLOCK, lambda: 1.0)
    pending = PendingPoints(100, 0.25)
    pending.begin(0.0)
    assert (pending.seconds_to_flush(), bool(pending)) == (0.0, False)


def test_the_first_points_of_each_channel_are_due_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, lambda: 1.0)
    pending = PendingPoints(10_000, 0.25)
    for new in "a", "b":
        pending.begin(1.0)
        pending.add(new, entries(1))
        assert pending.seconds_to_flush() == pytest.approx(FIRST_WITHIN_S)
        pending.clear()
        pending.begin(1.0)
        pending.add(new, entries(1))
        assert pending.seconds_to_flush() == pytest.approx(0.25)
    pending = PendingPoints(10_000, 0.01)
    pending.begin(1.0)
    pending.add("a", entries(1))
    assert pending.seconds_to_flush() == pytest.approx(0.01)


def test_what_waited_during_a_long_flush_is_not_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each of the replies that piled up is a flush, which is long again."""
    clock = [10.0]
    monkeypatch.setattr(CLOCK, lambda: clock[0])
    pending = PendingPoints(10_000, 0.25)
    after_the_first_of(pending, "a")
    clock[0] = 11.0
    pending.clear()
    pending.begin(10.1)
    pending.add("a", entries(1))
    assert pending.seconds_to_flush() == pytest.approx(0.25)
    assert pending.age_s() == pytest.approx(0.9)
