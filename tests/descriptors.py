"""What this process has open: a test shares it with all that ran before."""

from __future__ import annotations

import gc
from pathlib import Path


def descriptors() -> int:
    """Open descriptors, without those of garbage. What ran before may still close some: ask for no more."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))
