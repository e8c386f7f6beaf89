"""Where listener and consumer of a subscriber run, and how they are asked to end."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """Where listener and consumer run."""

    SEQUENTIAL = "one greenlet listens and consumes in turn"
    CONCURRENT = "two greenlets of one thread"
    PARALLEL = "a greenlet here, a greenlet in another thread"


class Request(Enum):
    """How somebody asked a subscriber to end; the value is the reason that its clients read."""

    STOP = "Stopped on request"
    KILL = "Killed on request"
