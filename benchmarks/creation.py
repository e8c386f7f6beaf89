"""Creating a scan's groups and datasets: CPU of a detector, beside the same by plain h5py.

    python -m benchmarks.creation [--repeats 5] [--json]

The numbers are those of ``create_scan.py``, for 1,000 detectors.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ._rows import Row, run
from .create_scan import LIMIT_US, measure

DETECTORS = 1000
TURNS_PER_REPEAT = 3
CASES = {"detector": "a detector", "with_texts": "a detector with type and mode"}


def rows(repeats: int) -> Sequence[Row]:
    """P10."""
    with tempfile.TemporaryDirectory() as directory:
        result = measure(DETECTORS, TURNS_PER_REPEAT * repeats, Path(directory))
    return [
        Row(
            "P10",
            f"creating {what}: CPU",
            LIMIT_US,
            result[case]["cpu_us"],
            "us",
            f"plain h5py {result[case]['h5py_cpu_us']:.0f} us: {result[case]['ratio']:.2f} x",
            cpu_us=result[case]["cpu_us"],
        )
        for case, what in CASES.items()
    ]


if __name__ == "__main__":
    run(rows, __doc__)
