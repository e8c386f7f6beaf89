"""Scans published into Redis, so that clients of BLISS 1.x (blissdata 0.3) read them as their own.

``SessionPublisher`` leads to everything: its datasets, their scans, the channels of those. What a scan is
made of is declared before, by ``ScanSpec``, ``DeviceSpec`` and ``ChannelSpec``.
"""

from .chain import ChannelSpec, DeviceSpec, axis, integrating, mca, sampling, timer
from .channel import ChannelPublisher
from .errors import NoSuchChannel, ScanHasEnded, WrongShape
from .lima import CameraPublisher, SavingSpec, camera
from .scan import Position, ScanPublisher, ScanSpec
from .sequence import SequencePublisher, sequence_spec
from .session import DatasetPublisher, SessionPublisher

__all__ = [
    "CameraPublisher",
    "ChannelPublisher",
    "ChannelSpec",
    "DatasetPublisher",
    "DeviceSpec",
    "NoSuchChannel",
    "Position",
    "SavingSpec",
    "ScanHasEnded",
    "ScanPublisher",
    "ScanSpec",
    "SequencePublisher",
    "SessionPublisher",
    "WrongShape",
    "axis",
    "camera",
    "integrating",
    "mca",
    "sampling",
    "sequence_spec",
    "timer",
]
