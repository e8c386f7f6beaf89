"""Disks that run full, refuse to write, or hang: real ones, mounted where nobody else sees them.

Each is mounted in a namespace of its own (``unshare -rm``), which any user may make where the kernel lets
him; programs enter it by ``entering``. The test itself looks from outside.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMESPACE = ("unshare", "--map-root-user", "--mount", "--propagation", "private")
FUSE_DISK = Path(__file__).with_name("fuse_disk.py")


@dataclass
class Disk:
    """``inside`` is where programs that enter find it, ``outside`` where the test does."""

    process: subprocess.Popen[str]
    inside: Path
    outside: Path

    @property
    def entering(self) -> tuple[str, ...]:
        """In front of a command that is to see the disk."""
        target = str(self.process.pid)
        return ("nsenter", "--target", target, "--user", "--mount", "--preserve-credentials", "--")

    def seen(self, path: Path) -> Path:
        """A path inside, from outside."""
        return self.outside / path.relative_to(self.inside)

    def fill(self, leave_nbytes: int = 0) -> None:
        """Another file takes all the space but ``leave_nbytes``."""
        space = os.statvfs(self.outside)
        with (self.outside / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            for _ in range((space.f_bavail * space.f_frsize - leave_nbytes) // 4096):
                filler.write(bytes(4096))

    def free(self) -> None:
        """That file is removed."""
        (self.outside / "filler").unlink()


@dataclass
class FuseDisk(Disk):
    """``outside`` never hangs: it is the directory below."""

    fault: Path

    def hang(self) -> None:
        """From now on nobody is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """All are answered, those that waited first."""
        os.kill(self.process.pid, signal.SIGCONT)

    def refuse(self, error: str) -> None:
        """Writes fail with the error of this name; "" for none."""
        self.fault.write_text(error)


@contextlib.contextmanager
def small_disk(directory: Path, size_mb: int) -> Iterator[Disk]:
    """A tmpfs."""
    inside = directory / "disk"
    inside.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size={size_mb}m none {inside} && echo mounted && exec sleep 1000"
    with _mounted([*NAMESPACE, "sh", "-c", mount]) as process:
        yield Disk(process, inside, Path(f"/proc/{process.pid}/root{inside}"))


@contextlib.contextmanager
def fuse_disk(directory: Path) -> Iterator[FuseDisk]:
    """A FUSE file system over ``directory``/below."""
    inside, below, fault = directory / "disk", directory / "below", directory / "fault"
    inside.mkdir(parents=True)
    below.mkdir()
    command = [sys.executable, str(FUSE_DISK), str(below), str(inside), str(fault)]
    with _mounted([*NAMESPACE, *command]) as process:
        yield FuseDisk(process, inside, below, fault)


@contextlib.contextmanager
def _mounted(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        if process.stdout.readline() != "mounted\n":
            process.kill()
            pytest.skip(f"no file system can be mounted here: {process.communicate()[1].strip()}")
        yield process
    finally:
        process.kill()
        process.communicate()
