"""What happens to scans, a line each: for people and for programs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict

from nexus_writer.data.happenings import (
    ChannelProgress,
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

CHANNELS_NAMED = 4
"""Of those with the same number of points; the others are counted."""


def line(happening: Happening) -> str:
    """With the time of this host in front. Nothing that came from Redis can end it or reach a terminal."""
    return f"{time.strftime('%H:%M:%S')} {one_line(_told(happening))}"


def json_line(happening: Happening) -> str:
    """One JSON object: ``happening`` is started, prepared, progressed, silent, ended, gone, redis_gone or
    redis_back, ``time`` when it was seen, in seconds since 1970; the rest are the fields of the happening."""
    fields = asdict(happening)
    if isinstance(happening, ScanEnded):
        fields["events"] = {kind.name: count for kind, count in happening.events.items()}
    return json.dumps({"happening": kind_of(happening), "time": time.time(), **fields})


def kind_of(happening: Happening) -> str:
    """In one word: started, redis_gone ..."""
    words = type(happening).__name__.removeprefix("Scan")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).lower()


def clock_time(epoch_s: float) -> str:
    """Of this host, to the second."""
    return time.strftime("%H:%M:%S", time.localtime(epoch_s))


def channels_told(channels: Mapping[str, ChannelProgress], npoints: int) -> str:
    """How far they are; those that are equally far together, the furthest first."""
    if not channels:
        return "no channels"
    names_of: dict[int, list[str]] = {}
    for name, progress in channels.items():
        names_of.setdefault(progress.points, []).append(name)
    of = f"/{npoints}" if npoints else ""
    parts = [f"{points}{of} {_names(names_of[points])}" for points in sorted(names_of, reverse=True)]
    lost = sum(progress.lost for progress in channels.values())
    return "; ".join(parts) + (f"; {lost} points were dropped by Redis unseen" if lost else "")


def _told(happening: Happening) -> str:
    match happening:
        case ScanStarted():
            saved = " ".join(happening.uris) if happening.uris else "not saved"
            expected = f" ({happening.npoints} points)" if happening.npoints else ""
            return f"START {happening.name} {happening.title!r}{expected} {saved}"
        case ScanPrepared():
            return f"PREPARED {happening.name}"
        case ScanProgressed():
            return f"POINTS {happening.name} {channels_told(happening.channels, happening.npoints)}"
        case ScanSilent():
            told = f"nothing came since {clock_time(happening.since)}, its acquisition may have died"
            return f"SILENT {happening.name} {told}"
        case ScanEnded():
            events = ", ".join(f"{kind.name} {count}" for kind, count in happening.events.items())
            points = channels_told(happening.channels, happening.npoints)
            return f"END {happening.name} {happening.reason} {points} [{events}]"
        case ScanGone():
            return f"GONE {happening.name} Redis has lost it before its end"
        case RedisGone():
            return f"REDIS is gone ({happening.why}): waiting for it"
        case RedisBack():
            return "REDIS is back"


def _names(names: list[str]) -> str:
    more = len(names) - CHANNELS_NAMED
    return ", ".join(names[:CHANNELS_NAMED]) + (f" and {more} more" if more > 0 else "")
