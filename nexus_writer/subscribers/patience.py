"""How long a scan waits for a file that another process writes."""

from __future__ import annotations

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


AFTER_ANOTHER = Patience(0, 0, takes_over=True)
"""Of who goes on with a scan whose writer may come back, and holds the file."""
