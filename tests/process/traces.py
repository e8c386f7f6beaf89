"""What a program holds of the operating system."""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Traces:
    descriptors: frozenset[tuple[int, str]]
    threads: frozenset[threading.Thread]
    children: frozenset[int]
    shared_memory: frozenset[str]

    @classmethod
    def now(cls) -> Traces:
        multiprocessing.active_children()
        return cls(
            frozenset(descriptors_of(os.getpid())),
            frozenset(threading.enumerate()),
            frozenset(children_of(os.getpid())),
            frozenset(path.name for path in Path("/dev/shm").iterdir() if is_ours(path.name)),
        )

    def beyond(self, before: Traces) -> list[object]:
        """What is there now, and was not before."""
        left: list[object] = list(self.descriptors - before.descriptors)
        left += self.threads - before.threads
        left += self.children - before.children
        left += self.shared_memory - before.shared_memory
        return left


def semaphore_prefix() -> str:
    """What the names of multiprocessing's semaphores begin with in this process and its children, see
    tests/process/conftest.py: other workers of the same run have their own."""
    return f"/mp-{os.getpid()}"


def memory_prefix() -> str:
    """The same for shared memory of the programs of these tests."""
    parent = multiprocessing.parent_process()
    return f"psm_{os.getpid() if parent is None else parent.pid}_"


def is_ours(name: str) -> bool:
    """Of what is in /dev/shm; psm_ alone is what shared memory is called that was given no name."""
    others = re.match(r"psm_\d+_", name) and not name.startswith(memory_prefix())
    return name.startswith(("psm_", f"sem.{semaphore_prefix()[1:]}-")) and not others


def descriptors_of(pid: int) -> set[tuple[int, str]]:
    """Number and target of what a process has open, but the view on this very folder."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add((int(entry.name), str(entry.readlink())))
        except OSError:
            continue
    return {(number, target) for number, target in found if "/proc/" not in target}


def sockets_of(pid: int) -> set[str]:
    """The ends of socket pairs that a process has open."""
    return {target for _, target in descriptors_of(pid) if target.startswith("socket:")}


def children_of(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= set(map(int, (task / "children").read_text().split()))
    return found


def is_running(pid: int) -> bool:
    """A zombie does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
