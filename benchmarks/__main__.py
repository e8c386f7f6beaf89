"""All rows of the table of speeds, P1 to P13.

    python -m benchmarks [--repeats 5] [--rows scalars,blocks] [--json FILE]

Each script runs in a process of its own, one after the other; ``make bench`` is the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ._rows import REPEATS, Row, table

SCRIPTS = (
    "scalars",
    "blocks",
    "frames",
    "scan_end",
    "freshness",
    "tango_answers",
    "live_load",
    "scaling",
    "creation",
    "primitives",
    "compression",
    "memory",
)
LIMIT_S = 600.0


class ScriptFailed(RuntimeError):
    """A script of the table ended with an error."""

    def __init__(self, script: str, error: str) -> None:
        super().__init__(f"benchmarks.{script} failed: {error.strip() or 'no word'}")


def rows_of(script: str, repeats: int, directory: Path | None = None) -> list[Row]:
    """Run one script, in the tree of a directory (this one). Raises ScriptFailed."""
    command = [sys.executable, "-m", f"benchmarks.{script}", "--repeats", str(repeats), "--json"]
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise ScriptFailed(script, done.stderr)
    return [Row(**row) for row in json.loads(done.stdout)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--rows", default=",".join(SCRIPTS), help="names of scripts, with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the rows")
    options = parser.parse_args()
    names = options.rows.split(",")
    unknown = [name for name in names if name not in SCRIPTS]
    if unknown:
        parser.error(f"no script {', '.join(unknown)}: there are {', '.join(SCRIPTS)}")
    found: list[Row] = []
    for name in names:
        started_s = time.monotonic()
        found += rows_of(name, options.repeats)
        print(f"{name}: {time.monotonic() - started_s:.0f} s", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    print(table(found))
    missed = sum(not row.met for row in found)
    print(f"\n{len(found) - missed} of {len(found)} met")


if __name__ == "__main__":
    main()
