"""What Redis still has of a channel that was read before."""

from __future__ import annotations

from collections.abc import Iterator

from nexus_writer.data import keys
from nexus_writer.data.link import Link
from nexus_writer.data.streams import RawEntry

ENTRIES_PER_REPLY = 500


def entries_up_to(
    link: Link, channel: str, last: bytes, count: int = ENTRIES_PER_REPLY
) -> Iterator[list[RawEntry]]:
    """The entries of a channel's stream from its oldest one to the id ``last``, this included, by replies.

    Raises what the link does.
    """
    start: bytes = b"-"
    while True:
        entries: list[RawEntry] = link.call(b"XRANGE", keys.data(channel), start, last, b"COUNT", count)
        if entries:
            yield entries
        if len(entries) < count or entries[-1][0] == last:
            return
        major, _, minor = entries[-1][0].partition(b"-")
        start = b"%b-%d" % (major, int(minor) + 1)
