"""How often each fault is tried, in ``make test`` and in ``make faults``."""

from __future__ import annotations

import pytest


def trials(short: int, full: int) -> pytest.MarkDecorator:
    """Run a test with ``trial`` = 0 .. ``short`` - 1; with ``--full`` on to ``full`` - 1."""
    longer = (pytest.param(trial, marks=pytest.mark.full) for trial in range(short, full))
    return pytest.mark.parametrize("trial", [*range(short), *longer])
