"""Instants of a scan, as published and as a file shows them."""

from __future__ import annotations

from datetime import datetime

from .fields import Fields


def from_timestamp(epoch_s: float) -> datetime | None:
    """In this host's time zone; None where the number is no time."""
    try:
        return datetime.fromtimestamp(epoch_s).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def read_instant(info: Fields, name: str) -> datetime | None:
    """``<name>_timestamp`` (epoch seconds), else ``<name>_time`` (a datetime, or ISO text).

    A datetime without time zone is local time, as BLISS means it.
    """
    epoch_s = info.number(f"{name}_timestamp")
    instant = None if epoch_s is None else from_timestamp(epoch_s)
    if instant is not None:
        return instant
    value = info.values.get(f"{name}_time")
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.astimezone()
    except (ValueError, OverflowError, OSError):
        pass
    if value is not None:
        info.problems.append(f"{info.where}{name}_time is no time")
    return None
