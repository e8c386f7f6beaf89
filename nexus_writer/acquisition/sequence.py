"""What is missing between the messages that come.

Each message has a number. A gap of numbers is a loss, and the samples between are lost; a gap of the index
alone is the sender's wish. After a reset of the sender the index begins at 0 again, the numbers go on.
"""

from __future__ import annotations

import logging

from .wire import Head, unpack_head

__all__ = ["Sequence"]

logger = logging.getLogger(__name__)


class Sequence:
    """Counts ``lost`` samples and ``lost_chunks``, since the connection."""

    def __init__(self) -> None:
        self.lost = 0
        self.lost_chunks = 0
        self.epoch = 0
        self._number = 0
        self._index = 0

    def follow(self, message: bytes) -> None:
        """The head of the message before the first that can come; empty if there was none."""
        self._begin(unpack_head(message) if message else Head(0, 0, -1, 0, (0,), 0))

    def see(self, head: Head) -> bool:
        """Take note of a message that came. False for one that comes late: it is counted as lost."""
        if head.number < self._number:
            return False
        if head.number > self._number:
            since = self._index if head.epoch == self.epoch else 0
            self._count(head.index - head.count - since, head.number - self._number)
        self._begin(head)
        return True

    def skip(self, known: list[Head], latest: Head) -> int:
        """Samples that are lost when a reader goes on behind ``latest``; ``known`` are the heads up to it."""
        since = latest.index - self._index
        lost = since if latest.epoch == self.epoch else sum(head.count for head in known)
        self._count(lost, latest.number + 1 - self._number)
        self._begin(latest)
        return lost

    def _begin(self, head: Head) -> None:
        self.epoch, self._number, self._index = head.epoch, head.number + 1, head.index

    def _count(self, samples: int, chunks: int) -> None:
        self.lost += samples
        self.lost_chunks += chunks
        if not samples:
            return
        level = logging.DEBUG if self.lost > samples else logging.WARNING
        logger.log(level, "%d samples of a stream were lost: ask its input how many (lost)", samples)
