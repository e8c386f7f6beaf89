"""What a program holds of the operating system."""

from __future__ import annotations

import multiprocessing
import os
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
            frozenset(path.name for path in Path("/dev/shm").iterdir()),
        )

    def beyond(self, before: Traces) -> list[object]:
        """What is there now, and was not before."""
        left: list[object] = list(self.descriptors - before.descriptors)
        left += self.threads - before.threads
        left += self.children - before.children
        left += self.shared_memory - before.shared_memory
        return left


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
