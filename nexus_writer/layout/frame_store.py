"""What the frames of a camera are in the file: references of some kind, or copies."""

from __future__ import annotations

from typing import Protocol


class FrameStore(Protocol):
    """A dataset for the frames of one camera; ``frames`` are in it."""

    frames: int

    def update(self, goal: int, *, at_once: bool = False) -> None:
        """Go towards ``goal`` frames, for a moment; ``at_once``: however short ago the last time was.

        Raises FramesUnreadable where it has to wait for a file; NotRaw and FabioMissing: waiting is no use.
        """
        ...

    def seconds_to_update(self, goal: int) -> float | None:
        """None when ``update`` would have nothing to do."""
        ...

    def publish(self) -> bool:
        """Let readers see what was flushed; True when the file has to be flushed for that."""
        ...

    def skip(self, goal: int) -> str | None:
        """No more waiting: take what is there behind something missing; what is missing, and why."""
        ...

    def remove(self) -> None:
        """Leave nothing of the dataset."""
        ...

    def close(self) -> None:
        """Give back what was held; the dataset stays."""
        ...
