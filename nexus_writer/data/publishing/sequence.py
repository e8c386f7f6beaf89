"""Scans that belong together, published as BLISS does: a sequence of scans to come, or a group of past ones.

    with dataset.sequence("my_sequence", ChannelSpec("temperature")) as sequence:
        with dataset.scan(spec) as scan:
            scan.prepare()
            ...
        sequence.add(scan)
        sequence["temperature"].publish(20.5)

It is a scan itself, whose points are other scans.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Self

from nexus_writer.data import keys

from .chain import ChannelSpec, DeviceSpec
from .channel import ChannelPublisher
from .scan import ScanPublisher, ScanSpec

REFERENCES = "scans"
NUMBERS = "scan_numbers"
_MASTER = "GroupingMaster"
_CUSTOM = "custom_channels"


def sequence_spec(title: str, channels: tuple[ChannelSpec, ...] = ()) -> ScanSpec:
    """The spec of a sequence; ``channels`` are its own, known by their bare names."""
    references = ChannelSpec(REFERENCES, str, fullname=REFERENCES, node_type=keys.REFERENCE_TYPE)
    numbers = ChannelSpec(NUMBERS, int, fullname=NUMBERS)
    own = tuple(replace(channel, fullname=channel.name) for channel in channels)
    below = (DeviceSpec(_CUSTOM, own),) if own else ()
    master = DeviceSpec(_MASTER, (references, numbers), below)
    return ScanSpec(title, (master,), title, node_type="scan_group", fields={"is-scan-sequence": True})


class SequencePublisher:
    """A sequence that is being published; made by a dataset's ``sequence``. Used by one thread at a time."""

    def __init__(self, scan: ScanPublisher) -> None:
        self.scan = scan
        scan.prepare()

    @property
    def key(self) -> str:
        return self.scan.key

    def add(self, *scans: ScanPublisher) -> None:
        """Refer to scans, whatever dataset they are in, and send what is pending."""
        for scan in scans:
            self[REFERENCES].publish(scan.key)
            self[NUMBERS].publish(int(scan.info["scan_nb"]))
        self.scan.flush()

    def __getitem__(self, name: str) -> ChannelPublisher:
        """A channel of the sequence itself."""
        return self.scan[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scan.__exit__(kind, error, trace)
