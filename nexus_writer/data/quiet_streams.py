"""Streams of children in which nothing was announced for long, out of the way of the others.

Each reading costs Redis and us as much as there are streams in it: 7 and 1 ms for 10,000 datasets, several
times for each scan. So those that told something last are waited for, and all others are read now and then.
None is ever given up: a scan in a dataset of last year is found ``QUIET_EVERY_S`` later at most, for its
stream is read on behind the last entry that was read.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic

from nexus_writer.data.link import Link
from nexus_writer.data.positions import Label
from nexus_writer.data.streams import RawEntry, Streams

QUIET_EVERY_S = 0.25
MOST_AWAKE = 200
"""When there are more, the half that told something last stays awake."""


class QuietStreams(Generic[Label]):
    """Control streams of ``awake`` that may rest, in the order in which something came, and those that do."""

    def __init__(
        self, awake: Streams[Label], name: Callable[[Label], bytes], *, entries_per_reply: int
    ) -> None:
        """``name`` tells that of a stream from its label."""
        self._awake = awake
        self._name = name
        self._quiet: Streams[Label] = Streams(entries_per_reply=entries_per_reply)
        self._latest: OrderedDict[bytes, None] = OrderedDict()
        self._read_at_s = -math.inf

    def __len__(self) -> int:
        return len(self._quiet)

    def __iter__(self) -> Iterator[bytes]:
        """Names of those that rest."""
        yield from self._quiet.control

    def __contains__(self, stream: bytes) -> bool:
        return stream in self._quiet.control

    def heard(self, stream: bytes) -> None:
        """Something came of a stream that may rest, or it is new."""
        self._latest[stream] = None
        self._latest.move_to_end(stream)

    def remove(self, streams: set[bytes]) -> None:
        """They are followed no more."""
        self._quiet.remove(streams)
        for stream in streams & self._latest.keys():
            del self._latest[stream]

    def rest(self) -> None:
        """Many at a time: to take some out of the others costs as much as those are."""
        if len(self._latest) <= MOST_AWAKE:
            return
        control = self._awake.control
        tired = [self._latest.popitem(last=False)[0] for _ in range(len(self._latest) - MOST_AWAKE // 2)]
        for stream in tired:
            self._quiet.control.add(stream, control.label(stream), control[stream].id)
        self._awake.remove(set(tired))

    def seconds_to_read(self) -> float:
        """How long the others may be waited for."""
        if not self:
            return math.inf
        return max(0.0, self._read_at_s + QUIET_EVERY_S - time.monotonic())

    def read(self, link: Link) -> list[tuple[Label, list[RawEntry]]]:
        """What is new in those that rest; they are awake from now on. Raises what the link does."""
        control = self._quiet.control
        asked_at_s = time.monotonic()
        found = self._quiet.read(link, block_ms=None).control
        self._read_at_s = asked_at_s
        heard = {self._name(label) for label, _ in found}
        for stream in heard:
            self._awake.control.add(stream, control.label(stream), control[stream].id)
            self.heard(stream)
        self._quiet.remove(heard)
        return found
