"""Streams in a process with more than 1024 open files."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import json, os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.dup(0) for _ in range(1100)]
import numpy as np
from nexus_writer.acquisition import InputStream, OutputStream
output, source = OutputStream(), InputStream()
output.configure(shape=(-1, 1), dtype="float64", **json.loads(sys.argv[1]))
source.connect(output)
output.send(np.ones((5, 1)))
assert source.poll(60_000)
assert source.recv(return_data=True)[1].tolist() == [[1.0]] * 5
assert not source.poll(1)
source.close()
output.close()
"""
PARAMS = [
    '{"protocol": "tcp"}',
    '{"protocol": "udp"}',
    '{"protocol": "tcp", "policy": "drop_oldest"}',
    '{"transfermode": "sharedmem", "buffer_size": 8}',
]


@pytest.mark.parametrize("params", PARAMS)
def test_a_stream_is_connected_to_however_many_files_are_open(params: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, params], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
