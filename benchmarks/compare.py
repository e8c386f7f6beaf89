"""Is this tree slower than another commit? CPU per point of both, in turns.

    python -m benchmarks.compare REF [--repeats 5] [--rows scalars,blocks]

The scripts are those of this tree for both. REF is checked out into a temporary directory. A change counts
when the medians differ by more than 10 % and by more than the spread of either.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .__main__ import ScriptFailed, rows_of
from ._rows import REPEATS, median

HERE = Path(__file__).parent
SCRIPTS = ("scalars", "blocks", "frames", "live_load", "creation")
NOTICED = 0.10


@contextlib.contextmanager
def tree_of(ref: str) -> Iterator[Path]:
    """The commit, checked out beside this tree for the time of a block, with the scripts of this one."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        git("worktree", "add", "--detach", str(tree), ref)
        try:
            shutil.rmtree(tree / "benchmarks", ignore_errors=True)
            shutil.copytree(HERE, tree / "benchmarks")
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")


def verdict(before: list[float], after: list[float]) -> str:
    """In a word: what the CPU times of the two say."""
    change = median(after) / median(before) - 1
    spread = max((max(times) - min(times)) / 2 / median(times) for times in (before, after))
    if abs(change) <= max(NOTICED, spread):
        return "the same"
    return "SLOWER" if change > 0 else "faster"


def main() -> None:
    """Command line; exit code 1 when a row became slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ref", help="a commit, branch or tag")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--rows", default=",".join(SCRIPTS), help="names of scripts, with commas")
    options = parser.parse_args()
    names = options.rows.split(",")
    unknown = [name for name in names if name not in SCRIPTS]
    if unknown:
        parser.error(f"no CPU time in {', '.join(unknown)}: there are {', '.join(SCRIPTS)}")
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    with tree_of(options.ref) as tree:
        for _ in range(options.repeats):
            for name in names:
                for directory, times in ((tree, before), (HERE.parent, after)):
                    try:
                        rows = rows_of(name, 1, directory)
                    except ScriptFailed as error:
                        sys.exit(f"in {directory}: {error}")
                    for row in rows:
                        if row.cpu_us is not None:
                            times.setdefault(f"{row.key} {row.what}", []).append(row.cpu_us)
    slower = False
    print(f"{'CPU us a point':55} {options.ref[:12]:>12} {'this tree':>10} {'ratio':>6}")
    for what, times in before.items():
        said = verdict(times, after[what])
        slower = slower or said == "SLOWER"
        old, new = median(times), median(after[what])
        print(f"{what:55} {old:12.2f} {new:10.2f} {new / old:6.2f}  {said}")
    sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
