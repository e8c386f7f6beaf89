"""The table of speeds, and the comparison of two commits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._backlog import saved, verify
from benchmarks._load import BlockScan
from benchmarks._rows import Row, p99, table
from benchmarks._server import place
from benchmarks.compare import verdict

TREE = Path(__file__).parent.parent.parent


def test_a_row_is_met_by_its_own_direction() -> None:
    assert Row("P5", "end", 10.0, 9.0, "ms").met
    assert not Row("P5", "end", 10.0, 11.0, "ms").met
    assert Row("P1", "rate", 0.45, 0.5, "x", at_least=True).met
    assert not Row("P1", "rate", 0.45, 0.4, "x", at_least=True).met


def test_a_goal_of_nothing_is_met_by_nothing_alone() -> None:
    assert (Row("P11", "hangs", 0, 0, "").ratio, Row("P11", "hangs", 0, 0, "").met) == (0.0, True)
    assert (Row("P11", "hangs", 0, 2, "").ratio, Row("P11", "hangs", 0, 2, "").met) == (float("inf"), False)


def test_a_table_says_goal_measured_ratio_and_what_is_not_met() -> None:
    lines = table([Row("P2", "CPU of an event", 1.2, 2.4, "us", "drain 0.5 us")]).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "P2",
        "CPU of an event",
        "≤ 1.2 us",
        "2.4 us",
        "2.00",
        "NO",
        "drain 0.5 us",
    ]
    assert len({len(line) for line in lines}) == 1


def test_p99_of_few_values_is_the_largest() -> None:
    assert p99([3.0, 1.0, 2.0]) == 3.0
    assert p99([float(n) for n in range(1000)]) == 990.0


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1.0, 1.0, 1.0], [1.05, 1.05, 1.05], "the same"),
        ([1.0, 1.0, 1.0], [1.3, 1.3, 1.3], "SLOWER"),
        ([1.0, 1.0, 1.0], [0.7, 0.7, 0.7], "faster"),
        ([0.5, 1.0, 1.5], [1.3, 1.3, 1.3], "the same"),
    ],
)
def test_a_change_within_the_noise_is_none(before: list[float], after: list[float], said: str) -> None:
    assert verdict(before, after) == said


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        ("benchmarks", ["--rows", "nothing"], "no script nothing: there are scalars"),
        ("benchmarks.compare", ["HEAD", "--rows", "memory"], "no CPU time in memory"),
        ("benchmarks.scalars", ["--repeats", "0"], "--repeats needs a number from 1 on"),
    ],
)
def test_mistakes_are_one_clear_line(module: str, arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=TREE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]


def test_a_backlog_is_saved_by_the_real_writer_and_verified() -> None:
    with place() as here:
        load = BlockScan(here.client, here.new_directory(), channels=5, points=128)
        cost = saved(here.writer, [load], 128)
        assert cost.cpu_us > 0
        assert here.writer.resident_mb() > 10
        load.published += 64
        with pytest.raises(AssertionError):
            verify(load)
