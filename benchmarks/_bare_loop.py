"""A process that only sleeps 1 ms again and again: for how long the machine itself lets nobody run.

    python -m benchmarks._bare_loop FILE

FILE gets the same as that of ``benchmarks._watched_service``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ._gaps import watch

if __name__ == "__main__":
    watch(Path(sys.argv[1]), time.sleep)
