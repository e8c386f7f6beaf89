"""What was decoded of infos, so that it is not decoded again."""

from __future__ import annotations

from typing import Any

from nexus_writer.data import keys
from nexus_writer.data.info import RawInfo, decoded

MOST_BYTES = 2**19
"""As Redis has them; decoded they are 7 times as large."""
OVERHEAD_BYTES = 64
"""Of each field, however small it is."""


class InfoMemory:
    """The infos of a scan hardly differ from its start to its end, nor do those of scans that are alike: the
    chain, the channels, what the session tells of all of its counters (10 ms for 1,000 of them).

    A field with the same bytes is the same object: nobody may change it. Those that were used last are kept.
    One thread only.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: dict[tuple[bytes, bytes], Any] = {}

    def decode(self, info: RawInfo) -> dict[str, Any]:
        """As ``RawInfo.decode``."""
        return {keys.to_text(name): self._decoded(name, raw) for name, raw in info.fields.items()}

    def _decoded(self, name: bytes, raw: bytes) -> Any:
        text = keys.to_text(name)
        if len(raw) + OVERHEAD_BYTES > self._most_bytes:
            return decoded(raw, text)
        known = self._known
        if (name, raw) in known:
            value = known.pop((name, raw))
        else:
            value = decoded(raw, text)
            self._bytes += len(raw) + OVERHEAD_BYTES
            while self._bytes > self._most_bytes:
                oldest = next(iter(known))
                del known[oldest]
                self._bytes -= len(oldest[1]) + OVERHEAD_BYTES
        known[name, raw] = value
        return value
