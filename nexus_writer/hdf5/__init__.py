"""HDF5 files that grow while others read them: locks, files, datasets of points, trees of metadata."""

from .chunking import SCHEMES, ChunkOptions, chunk_shape, compression, expected_shape
from .errors import (
    EntryExists,
    FileBroken,
    FileDamaged,
    FileLocked,
    FileNotWritable,
    Hdf5Error,
    NotHdf5,
    NotStorable,
    PointsRefused,
    UnknownCompression,
)
from .growing import GrowingDataset
from .live_file import LiveFile
from .open_files import OpenFiles
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

__all__ = [
    "SCHEMES",
    "ChunkOptions",
    "EntryExists",
    "FileBroken",
    "FileDamaged",
    "FileLocked",
    "FileNotWritable",
    "GrowingDataset",
    "Hdf5Error",
    "LiveFile",
    "NotHdf5",
    "NotStorable",
    "OpenFiles",
    "PointsRefused",
    "UnknownCompression",
    "chunk_shape",
    "compression",
    "create_group",
    "expected_shape",
    "external_link",
    "require_group",
    "set_attributes",
    "soft_link",
    "write_text",
    "write_tree",
    "write_value",
]
