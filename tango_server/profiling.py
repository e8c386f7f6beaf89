"""What scans cost, function by function, in the log.

All scans share one writer thread and many greenlets, so a profiler that hooks into calls would mix them up
and slow them down. Instead the process is looked at every 10 ms from a thread of its own: which function does
each thread execute, and has the thread used the processor since the last look? A report covers the time from
the first scan's start until no scan runs.
"""

from __future__ import annotations

import logging
import sys
import threading
import tracemalloc
from collections import Counter
from enum import Enum, IntEnum
from pathlib import Path
from types import CodeType
from typing import Protocol

logger = logging.getLogger(__name__)
SAMPLE_PERIOD_S = 0.01


class Kind(Enum):
    """What is counted."""

    CPU = "looks at a thread that used the processor"
    WALL = "looks at a thread, waiting or not"
    MEM = "memory that the line holds"


class ResourceProfiling(IntEnum):
    """What to report: labels and numbers of the classic device. The number in a label is that of lines."""

    OFF = 0
    CPU30 = 1
    CPU50 = 2
    CPU100 = 3
    WALL30 = 4
    WALL50 = 5
    WALL100 = 6
    MEM30 = 7
    MEM50 = 8
    MEM100 = 9

    @property
    def kind(self) -> Kind:
        """Of anything but OFF."""
        return Kind[self.name.rstrip("0123456789")]

    @property
    def lines(self) -> int:
        """Of the report."""
        return int(self.name.removeprefix(self.kind.name))


class Profiler(Protocol):
    """Measures from its creation on."""

    def end(self, lines: int) -> list[str]:
        """Measure no more; the costliest first."""


class ScanProfiling:
    """Profiles the process while scans run that started after it was switched on."""

    def __init__(self) -> None:
        self.wanted = ResourceProfiling.OFF
        self._running = 0
        self._profiled = ResourceProfiling.OFF
        self._profiler: Profiler | None = None

    def follow(self, running: int) -> None:
        """Call now and then, with the number of scans that run."""
        started = running > self._running
        self._running = running
        if self._profiler is None and started and self.wanted:
            self._profiled = self.wanted
            self._profiler = _Memory() if self.wanted.kind is Kind.MEM else _Sampler(self.wanted.kind)
        elif self._profiler is not None and not running:
            report = self._profiler.end(self._profiled.lines)
            self._profiler = None
            heading = f"{self._profiled.name}: {self._profiled.kind.value}"
            logger.warning("%s\n  %s", heading, "\n  ".join(report or ["nothing"]))


class _Sampler:
    """Looks at all threads periodically."""

    def __init__(self, kind: Kind) -> None:
        self._cpu_only = kind is Kind.CPU
        self._counts: Counter[tuple[str, CodeType]] = Counter()
        self._cpu_ns: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="profiler", daemon=True)
        self._thread.start()

    def end(self, lines: int) -> list[str]:
        self._ended.set()
        self._thread.join()
        looks = sum(self._counts.values())
        return [
            f"{100 * count / looks:5.1f} %  {count:7d}  {name}: {code.co_qualname} "
            f"({Path(code.co_filename).name}:{code.co_firstlineno})"
            for (name, code), count in self._counts.most_common(lines)
        ]

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_PERIOD_S):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                frame = frames.get(thread.ident or 0)
                if frame is None or thread is self._thread or not self._counted(thread.native_id):
                    continue
                self._counts[thread.name, frame.f_code] += 1

    def _counted(self, native_id: int | None) -> bool:
        if not self._cpu_only:
            return True
        if native_id is None:
            return False
        try:
            used_ns = int(Path(f"/proc/self/task/{native_id}/schedstat").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        before_ns = self._cpu_ns.get(native_id)
        self._cpu_ns[native_id] = used_ns
        return before_ns is not None and used_ns > before_ns


class _Memory:
    """Python's own record of who holds memory; slows everything down by about half."""

    def __init__(self) -> None:
        self._started = not tracemalloc.is_tracing()
        if self._started:
            tracemalloc.start()

    def end(self, lines: int) -> list[str]:
        statistics = tracemalloc.take_snapshot().statistics("lineno")[:lines]
        if self._started:
            tracemalloc.stop()
        return [str(statistic) for statistic in statistics]
