"""How and when a scan ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from .fields import Fields
from .instant import read_instant

SUCCESS = "SUCCESS"
USER_ABORT = "USER_ABORT"
FAILURE = "FAILURE"
UNKNOWN = "UNKNOWN"

_CLASS = re.compile(r"^<class '(?:[\w.]*\.)?(\w+)'>$")
_ABORTS = ("ScanAbort", "KeyboardInterrupt")
_STATES = {"USER_ABORTED": USER_ABORT, "KILLED": f"{FAILURE}: killed"}


@dataclass(frozen=True, slots=True)
class Ending:
    """``time`` is the scan's own, None where it was not published.

    ``reason`` is the published ``end_reason`` (BLISS 2), else one in its words: SUCCESS, USER_ABORT,
    "FAILURE: <what>"; UNKNOWN where the scan's end was not seen.
    """

    time: datetime | None
    reason: str

    @classmethod
    def from_info(cls, info: Mapping[str, Any], exception: str | None) -> Self:
        """``exception`` is the text of the END event, "" for success; None where there was no such event."""
        fields = Fields(info, [])
        reason = fields.text("end_reason") or _reason(exception, fields.text("state"))
        return cls(read_instant(fields, "end"), reason)


def _reason(exception: str | None, state: str) -> str:
    if exception is None:
        return UNKNOWN
    if not exception:
        return _STATES.get(state, SUCCESS)
    match = _CLASS.match(exception)
    what = match.group(1) if match else " ".join(exception.split())
    return USER_ABORT if what in _ABORTS else f"{FAILURE}: {what}"
