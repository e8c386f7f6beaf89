"""Python in another process: readers, writers and victims of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def run_python(code: str, *args: object, environment: Mapping[str, str] | None = None) -> str:
    """What ``code`` prints; its ``sys.argv[1:]`` are ``args``. Its failure is ours."""
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        env=_environment(environment),
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@contextmanager
def running_python(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has printed "ready"; killed at the end. Write to its stdin to let it go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(None),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if key != "HDF5_USE_FILE_LOCKING"}
    return own | dict(more or {})
