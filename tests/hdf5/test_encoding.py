"""Filters, called outside HDF5."""

from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np
import pytest

from nexus_writer.hdf5.encoding import NotEncoded, _Plugin, steps_of
from tests.hdf5.processes import run_python

SHUFFLE, DEFLATE, BLOSC2 = 2, 1, 32026


def test_shuffled_and_deflated() -> None:
    values = np.arange(1000, dtype=np.uint32)
    steps = steps_of(((SHUFFLE, (4,)), (DEFLATE, (4,))))
    assert steps is not None
    for step in steps:
        values = step(values)
    bytes_first_first = np.frombuffer(zlib.decompress(values), np.uint8).reshape(4, 1000)
    np.testing.assert_array_equal(bytes_first_first[0], np.arange(1000) % 256)


@pytest.mark.parametrize("number", [4, 999])
def test_a_filter_that_hdf5_alone_can_do(number: int) -> None:
    """SZIP; one that nobody knows."""
    assert steps_of(((SHUFFLE, (4,)), (number, ()))) is None


def test_a_filter_that_fails_says_so() -> None:
    """Blosc2 wants to know the size of elements."""
    with pytest.raises(NotEncoded):
        _Plugin(BLOSC2, (1, 0))(np.zeros(1000))
    assert steps_of(((BLOSC2, (1, 0)),)) is None


def test_without_isal_zlib_deflates() -> None:
    code = (
        "import sys, zlib; sys.modules['isal'] = None\n"
        "import numpy as np; from nexus_writer.hdf5.encoding import steps_of\n"
        "step, = steps_of(((1, (4,)),))\n"
        "assert zlib.decompress(step(np.arange(99))) == np.arange(99).tobytes()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


THREADS_SEEN = """
    import os, threading
    import numpy as np
    from nexus_writer.hdf5.encoding import steps_of
    from nexus_writer.interpreter import tune_for_a_server

    def look():
        while not done:
            seen.update(os.listdir("/proc/self/task"))

    tune_for_a_server()
    step, = steps_of(((32026, (1, 2**17, 2, 2**20, 5, 1, 1, 3, 16, 128, 256)),))
    values = np.random.default_rng(1).poisson(30, (16, 128, 256)).astype("u2")
    done, seen = [], set(os.listdir("/proc/self/task"))
    before = len(seen)
    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(30):
        step(values)
    done.append(True)
    looking.join()
    print(len(seen) - before)
"""


def test_a_server_has_blosc2_start_no_threads() -> None:
    """But for the one that looks."""
    assert run_python(THREADS_SEEN) == "1"
