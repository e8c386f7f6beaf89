"""Names of sessions: the first part of every key that a session has in Redis."""

from __future__ import annotations

import re


class BadSessionName(ValueError):
    """Not the name of a BLISS session."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no session name: give one without spaces and colons")


def check_session_name(name: str) -> None:
    """A colon separates the parts of a key. Raises BadSessionName."""
    if not re.fullmatch(r"[^\s:]+", name):
        raise BadSessionName(name)
