from __future__ import annotations

import time

from benchmarks._staged_service import STAGES, Stages


class Work:
    def outer(self) -> None:
        burn(0.05)
        self.inner()
        burn(0.05)

    def inner(self) -> None:
        burn(0.3)


def burn(seconds: float) -> None:
    """CPU time of this thread."""
    until_s = time.thread_time() + seconds
    while time.thread_time() < until_s:
        pass


def test_a_stage_counts_without_those_within() -> None:
    stages = Stages()
    stages.count("outer", Work, "outer")
    stages.count("inner", Work, "inner")
    Work().outer()
    assert 0.1 <= stages.seconds["outer"] < 0.3 <= stages.seconds["inner"]


def test_all_stages_are_there() -> None:
    assert all(callable(getattr(owner, name)) for owner, name in STAGES.values())
