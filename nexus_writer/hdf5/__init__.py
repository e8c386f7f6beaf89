"""HDF5 files that grow while others read them: locks, files, datasets of points, trees of metadata."""

from .camera_file import FramesInFile, FramesUnreadable, look_at_frames, read_frames
from .changing_text import ChangingText
from .chunking import ChunkOptions, chunk_shape, compression, expected_shape
from .compression_threads import compression_threads
from .counts import Counts
from .earlier_points import EarlierPoints, datasets_by_attribute
from .errors import (
    EntryExists,
    FileBroken,
    FileDamaged,
    FileLocked,
    FileNotLockable,
    FileNotWritable,
    Hdf5Error,
    ItemDamaged,
    NotHdf5,
    NotStorable,
    PointsRefused,
    UnknownCompression,
    Unreadable,
)
from .external import MAX_FRAMES, ExternalFrames, RawFrame
from .filters import SCHEMES
from .frame_file import FrameFile
from .grid_dataset import UNFILLED, GridDataset
from .growing import GrowingDataset
from .links import external_target, has_item, has_own, own_addresses, rename_link
from .live_file import LiveFile, live_file_of
from .locks import warn_without_locks
from .open_files import OpenFiles
from .originals import Originals
from .point_dataset import PointDataset, points_dataset
from .point_digests import Digests
from .readable_item import item_in, names_in_group, text_at
from .readable_root import look_into
from .reading import LiveReader, names_in, open_live
from .replaced import Recipe, ReplacedDataset
from .replaced_group import NewGroup, ReplacedGroup, has_link
from .reshaped import NOT_MEASURED, create_reshaped, create_stacked, unlink
from .skeleton import copy_skeleton, lost_links, own_entries
from .syncs import Sync, carry_out
from .text_rows import TextRows
from .tree import (
    create_group,
    external_link,
    require_group,
    set_attributes,
    soft_link,
    write_text,
    write_tree,
    write_value,
)
from .virtual import VirtualFrames, frames_shape, source_name

__all__ = [
    "MAX_FRAMES",
    "NOT_MEASURED",
    "SCHEMES",
    "UNFILLED",
    "ChangingText",
    "ChunkOptions",
    "Counts",
    "Digests",
    "EarlierPoints",
    "EntryExists",
    "ExternalFrames",
    "FileBroken",
    "FileDamaged",
    "FileLocked",
    "FileNotLockable",
    "FileNotWritable",
    "FrameFile",
    "FramesInFile",
    "FramesUnreadable",
    "GridDataset",
    "GrowingDataset",
    "Hdf5Error",
    "ItemDamaged",
    "LiveFile",
    "LiveReader",
    "NewGroup",
    "NotHdf5",
    "NotStorable",
    "OpenFiles",
    "Originals",
    "PointDataset",
    "PointsRefused",
    "RawFrame",
    "Recipe",
    "ReplacedDataset",
    "ReplacedGroup",
    "Sync",
    "TextRows",
    "UnknownCompression",
    "Unreadable",
    "VirtualFrames",
    "carry_out",
    "chunk_shape",
    "compression",
    "compression_threads",
    "copy_skeleton",
    "create_group",
    "create_reshaped",
    "create_stacked",
    "datasets_by_attribute",
    "expected_shape",
    "external_link",
    "external_target",
    "frames_shape",
    "has_item",
    "has_link",
    "has_own",
    "item_in",
    "live_file_of",
    "look_at_frames",
    "look_into",
    "lost_links",
    "names_in",
    "names_in_group",
    "open_live",
    "own_addresses",
    "own_entries",
    "points_dataset",
    "read_frames",
    "rename_link",
    "require_group",
    "set_attributes",
    "soft_link",
    "source_name",
    "text_at",
    "unlink",
    "warn_without_locks",
    "write_text",
    "write_tree",
    "write_value",
]
