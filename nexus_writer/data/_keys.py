"""What of a pickle may be a key of a dict or an element of a set."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from .opaque import Opaque

_MAX_KEY_PARTS = 64
_MAX_KEY_BITS = 60
_PLAIN_KEYS = frozenset(
    {str, bytes, float, bool, type(None), complex, Opaque, date, datetime, time, timedelta, frozenset}
)


def check_key(key: object) -> None:
    """Refuses keys whose hash could recurse deeply, take forever or collide at will."""
    if type(key) is str:
        return
    todo: list[Any] = [key]
    for _ in range(_MAX_KEY_PARTS):
        if not todo:
            return
        part = todo.pop()
        if type(part) is tuple:
            todo.extend(part)
        elif type(part) is int:
            if part.bit_length() > _MAX_KEY_BITS:
                raise ValueError("a key that is a huge number")
        elif type(part) not in _PLAIN_KEYS and not isinstance(part, type | np.generic):
            raise ValueError(f"a key that is a {type(part).__name__}")
    if todo:
        raise ValueError("a key of very many parts")
