"""Streams in a process with more than 1024 open files."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.dup(0) for _ in range(1100)]
from nexus_writer.acquisition import InputStream, OutputStream
output, source = OutputStream(), InputStream()
output.configure(shape=(-1, 1), dtype="float64")
source.connect(output)
source.close()
output.close()
"""


def test_a_stream_is_connected_to_however_many_files_are_open() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
