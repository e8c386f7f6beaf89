"""What can go wrong for the users of a session writer; each says what to do."""

from __future__ import annotations

from .state import SubscriberState


class UnknownScan(ValueError):
    """No scan of this name is known (any more)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No writer for scan {name!r} exists")


class ScansRunning(RuntimeError):
    """The session writer was to be stopped while it saves scans."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            "Cannot stop session writer when scans are running: "
            f"wait until {', '.join(names)} is saved, or call stop_scan"
        )


class FileStaysLocked(RuntimeError):
    """A scan was stopped while it waited for its file."""

    def __init__(self, why: str) -> None:
        super().__init__(f"stopped while waiting for the file: {why}")


class StillBroken(RuntimeError):
    """A scan was stopped while it waited for a disk that refused a write."""

    def __init__(self, why: str) -> None:
        super().__init__(f"stopped while waiting for the disk: {why}")


class NotStarted(RuntimeError):
    """A subscriber was started a second time."""

    def __init__(self, state: SubscriberState) -> None:
        super().__init__(f"a subscriber starts once, this one is {state.name}: make a new one")


class NodeMissing(LookupError):
    """The node of a subscriber is not in Redis: not yet, or not any more."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no node {key} in Redis: it was not published yet, or has expired")


class Finished(Exception):
    """Raised by ``_consume`` when nothing more is wanted from the node."""


class ListenerFailed(RuntimeError):
    """The listener ended by an exception; its traceback is in the log already."""


class NotSaved(Exception):
    """The scan is not to be saved by this writer."""
