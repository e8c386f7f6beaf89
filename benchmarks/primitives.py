"""Stress of every primitive that greenlets of several hubs share: hangs and lost wake-ups.

    python -m benchmarks.primitives [--repeats 5] [--json]

``--repeats`` times 3 trials of each primitive, each in a process of its own, with a time limit
(``tests/concurrency/stress_worker.py``); ``make test-full`` does a hundred of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.concurrency.stress_worker import SCENARIOS
from tests.concurrency.test_stress import run_trial

from ._rows import Row, run

TRIALS_PER_REPEAT = 3


def rows(repeats: int) -> Sequence[Row]:
    """P11."""
    trials = [(name, seed) for seed in range(repeats * TRIALS_PER_REPEAT) for name in SCENARIOS]
    failures = [failure for name, seed in trials if (failure := run_trial(name, 1000 + seed))]
    beside = f"{len(trials)} trials of {len(SCENARIOS)} primitives"
    return [Row("P11", "hangs and lost wake-ups of primitives", 0, len(failures), "", beside)]


if __name__ == "__main__":
    run(rows, __doc__)
