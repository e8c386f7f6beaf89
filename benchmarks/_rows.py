"""Rows of the table of speeds: a goal, what was measured, and the limit of the machine in the same run."""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from nexus_writer.interpreter import GC_THRESHOLDS

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One speed. ``goal`` and ``measured`` are in ``unit``; ``at_least`` says which way is better.

    ``beside`` tells what was measured next to it. ``cpu_us`` is CPU time per point (or detector), the
    number that two commits are compared by; None where the row has none.
    """

    key: str
    what: str
    goal: float
    measured: float
    unit: str
    beside: str = ""
    at_least: bool = False
    cpu_us: float | None = None

    @property
    def met(self) -> bool:
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    @property
    def ratio(self) -> float:
        """Measured over goal: at most 1 is met where less is better, at least 1 where more is."""
        if self.goal == 0:
            return 0.0 if self.measured == 0 else math.inf
        return self.measured / self.goal


HEADER = ("row", "what", "goal", "measured", "of goal", "met", "beside it, in the same run")


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≥" if row.at_least else "≤"
    goal, measured = (f"{value:.3g} {row.unit}".strip() for value in (row.goal, row.measured))
    return row.key, row.what, f"{sign} {goal}", measured, f"{row.ratio:.2f}", _yes(row.met), row.beside


def _yes(met: bool) -> str:
    return "yes" if met else "NO"


def run(
    measure: Callable[[int], Sequence[Row]], description: str | None, arguments: Sequence[str] | None = None
) -> None:
    """Command line of a script that makes rows."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="interleaved; medians (%(default)s)")
    parser.add_argument("--json", action="store_true", help="a list of rows as JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats needs a number from 1 on")
    gc.set_threshold(*GC_THRESHOLDS)
    rows = measure(options.repeats)
    print(json.dumps([asdict(row) for row in rows], indent=1) if options.json else table(rows))


def p99(values: Sequence[float]) -> float:
    """The value that 99 % do not exceed; of fewer than a hundred values the largest."""
    return sorted(values)[min(len(values) - 1, int(0.99 * len(values)))]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)
