"""Cameras of a scan that is being read.

The node of a camera is announced before the camera is prepared; where it saves is written into the node's
info only then, and no event tells it. So a reader looks, now and then, until it is there.
"""

from __future__ import annotations

import time
from typing import Any

import redis

from . import keys
from .info import RawInfo, decoded
from .link import Link
from .scan_items import CameraPrepared

CAMERA_TYPE = "lima"
FIRST_LOOK_S = 0.1
LAST_LOOK_S = 1.0
_SIGNS = frozenset({b"saving_mode", b"reference"})


class UnpreparedCameras:
    """Cameras that have not said yet where they save. It costs nothing when there are none."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._period_s = FIRST_LOOK_S
        self._look_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """A camera that was announced; the next :meth:`look` asks for it."""
        self._keys[key] = None
        self._period_s = FIRST_LOOK_S
        self._look_at = 0.0

    def seconds_to_look(self) -> float:
        """Until the next look is due; meaningless when there are none."""
        return max(0.0, self._look_at - time.monotonic())

    def look(self, link: Link, *, at_once: bool = False) -> list[CameraPrepared]:
        """Those that are prepared by now, asked in one round trip; [] when no look is due, nor ``at_once``.

        Raises what the link does; then the cameras stay.
        """
        if not self._keys or (self.seconds_to_look() > 0 and not at_once):
            return []
        asked = list(self._keys)
        commands = [
            command
            for key in asked
            for command in ((b"HGETALL", keys.info(key)), (b"LINDEX", keys.data_ref(key), 0))
        ]
        replies = link.call_all(commands)
        found = [
            CameraPrepared(key, _description(info, reference))
            for key, info, reference in zip(asked, replies[::2], replies[1::2], strict=True)
            if _is_prepared(info, reference)
        ]
        for item in found:
            del self._keys[item.key]
        self._look_at = time.monotonic() + self._period_s
        self._period_s = min(LAST_LOOK_S, 2 * self._period_s)
        return found


def _is_prepared(info: Any, reference: Any) -> bool:
    return isinstance(reference, bytes) or (
        not isinstance(info, redis.ResponseError) and not _SIGNS.isdisjoint(info[::2])
    )


def _description(info: Any, reference: Any) -> dict[str, Any]:
    """What the node says of itself; the list of preparations has the last word, for its first element."""
    fields = {} if isinstance(info, redis.ResponseError) else RawInfo.from_reply(info).decode()
    first = decoded(reference, "data_ref") if isinstance(reference, bytes) else None
    return {**fields, **first} if isinstance(first, dict) else fields
