"""What happens to the scans of a session, as a watch tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .events import EventType


@dataclass(frozen=True, slots=True)
class ChannelProgress:
    """``points`` that were published (images that are ready, for a camera), ``lost`` of them those that
    Redis dropped before they could be seen."""

    points: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class ScanHappening:
    """``scan`` is the key of the scan's node, ``name`` what it calls itself, like 26_loopscan."""

    scan: str
    name: str


@dataclass(frozen=True, slots=True)
class ScanStarted(ScanHappening):
    """``uris`` are the entries that it is to be saved in, none when it is not saved; ``npoints`` is what
    each channel is expected to have, 0 when nobody knows."""

    title: str
    uris: tuple[str, ...]
    npoints: int


@dataclass(frozen=True, slots=True)
class ScanPrepared(ScanHappening):
    """All its channels are known; points may come."""


@dataclass(frozen=True, slots=True)
class ScanProgressed(ScanHappening):
    """How far each channel is, by its full name."""

    npoints: int
    channels: Mapping[str, ChannelProgress]


@dataclass(frozen=True, slots=True)
class ScanSilent(ScanHappening):
    """Nothing came of it ``since`` then: seconds since 1970, by the clock of this host.

    Its acquisition may have died, of which Redis has no sign, or takes long for a point. It is told once;
    what comes later is told as ever.
    """

    since: float


@dataclass(frozen=True, slots=True)
class ScanEnded(ScanHappening):
    """``reason`` is SUCCESS, USER_ABORT or "FAILURE: <what>"; ``exception`` what was published, "" for none.

    ``events`` counts what happened to the scan and below it.
    """

    npoints: int
    channels: Mapping[str, ChannelProgress]
    uris: tuple[str, ...]
    reason: str
    exception: str
    events: Mapping[EventType, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScanGone(ScanHappening):
    """Redis has lost a scan that had not ended: nothing more can be known of it."""


@dataclass(frozen=True, slots=True)
class RedisGone:
    """The server does not answer; it is asked again until it does, and nothing that it keeps is lost."""

    why: str


@dataclass(frozen=True, slots=True)
class RedisBack:
    """It answers again."""


Happening = (
    ScanStarted | ScanPrepared | ScanProgressed | ScanSilent | ScanEnded | ScanGone | RedisGone | RedisBack
)
