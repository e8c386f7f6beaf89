"""How far a Lima camera is: its stream has its status now and then, not its frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

from nexus_writer.model.limits import MOST_POINTS

from . import keys
from .info import decoded, pairs
from .streams import RawEntry

UNREPORTED_AFTER_S = 3.0
"""A camera that has frames ready for so long and has not said that it saved any, does not say so ever."""


class CameraProgress:
    """The frames of one camera that are there, as its last status says.

    ``ready`` counts those that were measured, ``readable`` those that should be in files by now: what the
    camera says to be saved, or all where it never says so (some do not).
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.ready = 0
        self._saved = 0
        self._clock_s = clock_s
        self._ready_since_s: float | None = None

    def receive(self, entries: Sequence[RawEntry]) -> None:
        """Take new entries of the stream; the last one that can be understood counts, none goes back."""
        for entry in reversed(entries):
            status = status_of(pairs(entry[1]).get(keys.STATUS_FIELD))
            if status:
                self.ready = max(self.ready, _count(status, "last_image_ready"))
                self._saved = max(self._saved, _count(status, "last_image_saved"))
                break
        if self.ready and self._ready_since_s is None:
            self._ready_since_s = self._clock_s()

    @property
    def readable(self) -> int:
        if self._saved or self._ready_since_s is None:
            return min(self._saved, self.ready)
        unreported = self._clock_s() - self._ready_since_s >= UNREPORTED_AFTER_S
        return self.ready if unreported else 0


def status_of(pickled: bytes | None) -> dict[str, Any]:
    """The status in an entry of a camera's stream; {} where there is none."""
    status = decoded(pickled, "__STATUS__") if pickled is not None else None
    return status if isinstance(status, dict) else {}


def images_ready(status: Mapping[str, Any]) -> int:
    """Images up to the one that a status calls the last; as many as a channel may have points at most."""
    return min(_count(status, "last_image_ready"), MOST_POINTS)


def images_saved(status: Mapping[str, Any]) -> int:
    """As ``images_ready``, of those in files; 0 where the camera does not say."""
    return min(_count(status, "last_image_saved"), MOST_POINTS)


def _count(status: Mapping[str, Any], field: str) -> int:
    """Frames up to the one that a status calls the last; -1 or nothing is none."""
    last = status.get(field)
    return max(0, int(last) + 1) if isinstance(last, Integral) else 0
