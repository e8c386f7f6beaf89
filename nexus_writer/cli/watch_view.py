"""Scans of a session on a terminal: those that run, redrawn in place, and lines for what is over."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nexus_writer.data.happenings import (
    Happening,
    RedisBack,
    RedisGone,
    ScanEnded,
    ScanGone,
    ScanPrepared,
    ScanProgressed,
    ScanSilent,
    ScanStarted,
)
from nexus_writer.model.limits import one_line

from .watch_lines import clock_time, line

REDRAWN_PER_S = 4
CHANNELS_SHOWN = 15
BAR_WIDTH = 30


class WatchView:
    """What ended, and what happened to Redis, scrolls away above; below stand the scans that run."""

    def __init__(self, session: str, console: Console | None = None) -> None:
        self._session = session
        self._started: dict[str, tuple[ScanStarted, float]] = {}
        self._progress: dict[str, ScanProgressed] = {}
        self._silent: dict[str, ScanSilent] = {}
        self._redis = ""
        self._live = Live(
            get_renderable=self.drawn, console=console, refresh_per_second=REDRAWN_PER_S, transient=True
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def take(self, happening: Happening) -> None:
        match happening:
            case ScanStarted():
                self._started[happening.scan] = (happening, time.monotonic())
                self._tell(happening)
            case ScanProgressed():
                self._progress[happening.scan] = happening
                self._silent.pop(happening.scan, None)
            case ScanSilent():
                self._silent[happening.scan] = happening
                self._tell(happening)
            case ScanEnded() | ScanGone():
                self._started.pop(happening.scan, None)
                self._progress.pop(happening.scan, None)
                self._silent.pop(happening.scan, None)
                self._tell(happening)
            case RedisGone() | RedisBack():
                self._redis = " (Redis is gone)" if isinstance(happening, RedisGone) else ""
                self._tell(happening)
            case ScanPrepared():
                self._silent.pop(happening.scan, None)

    def drawn(self) -> RenderableType:
        """Called by rich's thread too: it looks at copies."""
        running = list(self._started.values())
        head = f"{self._session}: {len(running) or 'no'} scan{'' if len(running) == 1 else 's'} running"
        return Group(
            Text(f"{head}{self._redis}; Ctrl-C ends it", style="dim"),
            *(self._drawn(started, since_s) for started, since_s in running),
        )

    def _tell(self, happening: Happening) -> None:
        self._live.console.print(Text(line(happening)))

    def _drawn(self, started: ScanStarted, since_s: float) -> RenderableType:
        title = one_line(f"{started.name}  {started.title}  {time.monotonic() - since_s:.0f} s")
        silent = self._silent.get(started.scan)
        if silent is not None:
            return Text.assemble((title, "bold"), (f"  silent since {clock_time(silent.since)}", "red"))
        table = Table(show_header=False, box=None, padding=(0, 1))
        progress = self._progress.get(started.scan)
        channels = list(progress.channels.items()) if progress is not None else []
        for name, channel in channels[:CHANNELS_SHOWN]:
            of = f"/{started.npoints}" if started.npoints else ""
            lost = f"{channel.lost} lost" if channel.lost else ""
            bar = _bar(channel.points, started.npoints)
            table.add_row(Text(one_line(name)), bar, Text(f"{channel.points}{of}"), Text(lost, style="red"))
        if len(channels) > CHANNELS_SHOWN:
            table.add_row(Text(f"and {len(channels) - CHANNELS_SHOWN} more"))
        return Group(Text(title, style="bold"), table)


def _bar(points: int, npoints: int) -> RenderableType:
    if not npoints:
        return Text()
    return ProgressBar(total=npoints, completed=min(points, npoints), width=BAR_WIDTH)
