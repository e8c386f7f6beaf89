"""Writers in processes of their own that may be killed while they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def spawn(session: str, redis_url: str, log: Path, *options: str) -> subprocess.Popen[bytes]:
    """``nexus-writer serve``, at once: nobody waits until it listens."""
    command = [sys.executable, "-m", "nexus_writer", "serve", session, "--redis", redis_url, *options]
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)
