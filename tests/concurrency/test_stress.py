"""Two hubs and plain threads at work on one primitive: no hang, no lost wake-up, in any trial.

Each trial has a process of its own, so that hubs, threads and the interpreter's own state are new. The
short form makes a few trials of each primitive, the full form (``--full``) a hundred.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .stress_worker import SCENARIOS

WORKER = Path(__file__).with_name("stress_worker.py")
LIMIT_S = 30.0
"""A trial takes 0.2 to 1.5 s; one that takes this long hangs."""


def run_trial(primitive: str, seed: int) -> str | None:
    """What went wrong, or None."""
    trial = subprocess.run(
        [sys.executable, str(WORKER), primitive, str(seed), str(LIMIT_S)],
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_S,
        check=False,
    )
    if (trial.returncode, trial.stdout, trial.stderr) == (0, "ok\n", ""):
        return None
    return f"{primitive}, seed {seed}: exit code {trial.returncode}\n{trial.stdout}{trial.stderr}"


@pytest.mark.parametrize("primitive", SCENARIOS)
def test_a_few_trials(primitive: str) -> None:
    failures = [failure for seed in range(3) if (failure := run_trial(primitive, seed))]
    assert not failures, "\n".join(failures)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("primitive", SCENARIOS)
def test_a_hundred_trials(primitive: str) -> None:
    failures = [failure for seed in range(100, 200) if (failure := run_trial(primitive, seed))]
    assert not failures, f"{len(failures)} of 100\n" + "\n".join(failures)
