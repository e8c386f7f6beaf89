"""What a scan is: typed, without Redis, HDF5 or Tango."""

from .block import Block, uncommitted
from .channel import Channel, ChannelDescription
from .comment import Comment
from .counter import Counter
from .device import Device
from .ending import Ending
from .frames import FrameFiles, FrameRun
from .grid import Grid
from .path_map import BadPathMap, PathMap, PathMaps
from .positioners import PositionerSnapshots
from .scan import Scan
from .storage import Storage
from .subscan import Subscan

__all__ = [
    "BadPathMap",
    "Block",
    "Channel",
    "ChannelDescription",
    "Comment",
    "Counter",
    "Device",
    "Ending",
    "FrameFiles",
    "FrameRun",
    "Grid",
    "PathMap",
    "PathMaps",
    "PositionerSnapshots",
    "Scan",
    "Storage",
    "Subscan",
    "uncommitted",
]
