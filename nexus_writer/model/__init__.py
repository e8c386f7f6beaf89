"""What a scan is: typed, without Redis, HDF5 or Tango."""

from .block import Block, uncommitted
from .channel import Channel, ChannelDescription
from .comment import Comment
from .counter import Counter
from .device import Device
from .ending import Ending
from .frames import FrameFiles, FrameRun
from .grid import Grid, ScanAxis
from .grid_order import GridOrder
from .path_map import BadPathMap, PathMap, PathMaps
from .plot import SELECTED, PlotRequest, matches, plots_by_rank
from .positioners import PositionerSnapshots
from .scan import Scan
from .slab import Piece, Slab, boxes
from .storage import Storage
from .subscan import Subscan
from .technique import Technique

__all__ = [
    "SELECTED",
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
    "GridOrder",
    "PathMap",
    "PathMaps",
    "Piece",
    "PlotRequest",
    "PositionerSnapshots",
    "Scan",
    "ScanAxis",
    "Slab",
    "Storage",
    "Subscan",
    "Technique",
    "boxes",
    "matches",
    "plots_by_rank",
    "uncommitted",
]
