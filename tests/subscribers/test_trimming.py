"""When Redis is about to drop what was not read."""

from __future__ import annotations

from nexus_writer.subscribers.trimming import TrimWatch


def near_after(*fills: float) -> bool:
    watch = TrimWatch(lead_s=3.0)
    for second, fill in enumerate(fills):
        watch.look(fill, float(second))
    return watch.is_near


def test_near_when_the_present_rate_would_drop_points_within_the_lead() -> None:
    assert near_after(0.3, 0.4, 0.6)
    assert not near_after(0.1, 0.3, 0.4)
    assert near_after(1.0, 1.0)


def test_never_near_when_nothing_more_comes() -> None:
    assert not near_after(0.9, 0.9)
    assert not near_after(0.9, 0.0)
    assert not near_after(0.9)


def test_the_rate_is_that_of_the_last_look() -> None:
    assert not near_after(0.1, 0.8, 0.81)
