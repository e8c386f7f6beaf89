"""Streams in a process with more than 1024 open files."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from nexus_writer.acquisition import InputStream
from tests.acquisition.programs import answer, program

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


FULL = """
import json, resource, sys
from nexus_writer.acquisition import OutputStream
output = OutputStream()
output.configure(shape=(-1, 1), dtype="float64", transfermode="sharedmem", buffer_size=8)
print(json.dumps(output.params), flush=True)
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
for line in sys.stdin:
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]) if line == "full\\n" else limits)
    print(line, end="", flush=True)
"""


def test_a_sender_that_had_no_descriptor_left_is_connected_to_later() -> None:
    with program(FULL) as sender:
        params = json.loads(answer(sender))

        def told(what: str) -> None:
            assert sender.stdin is not None
            sender.stdin.write(f"{what}\n")
            sender.stdin.flush()
            assert answer(sender) == what

        told("full")
        source = InputStream()
        connecting = threading.Thread(target=source.connect, args=(params,))
        connecting.start()
        connecting.join(0.5)
        told("free")
        connecting.join()
        assert source.connected
        source.close()
