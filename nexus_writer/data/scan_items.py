"""What a ScanReader hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nexus_writer.data.info import RawInfo
from nexus_writer.data.point_runs import PointRun
from nexus_writer.data.streams import RawEntry


@dataclass(frozen=True, slots=True)
class NodeAdded:
    """A device or a channel of the scan. ``parent`` is a key; ``info`` is empty for devices."""

    key: str
    node_type: str
    name: str
    parent: str
    info: RawInfo


@dataclass(frozen=True, slots=True)
class ScanPrepared:
    """All nodes are there, and the scan info has what was measured before the first point."""

    info: RawInfo


@dataclass(frozen=True, slots=True)
class CameraPrepared:
    """A camera says where it saves; it comes behind the camera's node, and before its first status."""

    key: str
    description: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScanPoints:
    """New entries of data streams, by the key of their node; ``received_at`` is of time.monotonic().

    A stream is either in ``streams`` or in ``runs``.
    """

    streams: list[tuple[str, list[RawEntry]]]
    received_at: float
    runs: list[tuple[str, PointRun]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """The last item. ``exception`` is the text of what ended the scan, "" when it went well."""

    exception: str
    info: RawInfo


ScanItem = NodeAdded | CameraPrepared | ScanPrepared | ScanPoints | ScanEnded
