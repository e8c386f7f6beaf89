"""What can go wrong for the users of a session writer; each says what to do."""

from __future__ import annotations


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

    expected = True

    def __init__(self, why: str) -> None:
        super().__init__(f"stopped while waiting for the file: {why}")
