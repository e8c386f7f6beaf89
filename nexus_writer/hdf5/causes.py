"""Why something failed, as one line of text: what an error leaves behind when it is let go of."""

from __future__ import annotations

import os
from collections.abc import Callable


def cause_text(error: BaseException) -> str:
    """What an error of h5py says, in one line, without addresses and times."""
    number = getattr(error, "errno", None)
    text = " ".join(str(error).split())
    if number is None and "errno = " in text:
        digits = text.split("errno = ", 1)[1].split(",", 1)[0]
        number = int(digits) if digits.isdigit() else None
    if number:
        return os.strerror(number)
    return text or type(error).__name__


def failure_of(call: Callable[[], object]) -> str | None:
    """None when it succeeds."""
    try:
        call()
    except Exception as error:
        return cause_text(error)
    return None
