"""How long a scan waits for a file that another process writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nexus_writer.data.unread import Unread

MOST_FILL = 0.5
"""Of what Redis keeps of any stream; where it keeps less than usual."""


@dataclass(frozen=True, slots=True)
class Patience:
    """It is over after so many seconds, or when as many entries of one stream wait in Redis, of about 2048
    that it keeps, whichever comes first. Then the scan goes into a side file. With a 0 it is over at once.

    Another writer that is at work on this very scan is waited for without end, but by who ``takes_over``.
    """

    wait_for_file_s: float = 10.0
    side_file_after_entries: int = 500
    takes_over: bool = False

    def is_over(self, waited_s: float, unread: Unread) -> bool:
        """Whether a scan that waits for so long, with so much of it in Redis alone, waits no longer."""
        waits_enough = unread.most >= self.side_file_after_entries or unread.fill >= MOST_FILL
        return waited_s >= self.wait_for_file_s or waits_enough


class FileWait:
    """Tries of one scan to open its file, the first time or anew: where its ``patience`` is over, or it
    ``is_stopped``, it goes beside. ``unread`` is what waits of it in Redis."""

    def __init__(
        self, patience: Patience, unread: Callable[[], Unread], is_stopped: Callable[[], bool]
    ) -> None:
        self.takes_over = patience.takes_over
        self._patience = patience
        self._unread = unread
        self.is_stopped = is_stopped
        self._locked_since_s: float | None = None

    def locked(self) -> None:
        """Somebody else has the file open for writing."""
        if self._locked_since_s is None:
            self._locked_since_s = time.monotonic()

    def opened(self) -> None:
        """The file is open: the next lock is waited for anew."""
        self._locked_since_s = None

    def is_over(self) -> bool:
        """Whether the next try may go beside the file."""
        since_s = self._locked_since_s
        waited_s = 0.0 if since_s is None else time.monotonic() - since_s
        return self.is_stopped() or self._patience.is_over(waited_s, self._unread())


AFTER_ANOTHER = Patience(0, 0, takes_over=True)
"""Of who goes on with a scan whose writer may come back, and holds the file."""
