"""Where everything of a scan goes in a NeXus file."""

from .errors import LayoutError, NoFilename
from .location import data_file, entry_uris
from .options import LayoutOptions
from .place import Place, place
from .places import Places
from .scan_file import ScanFile
from .writer_note import Status

__all__ = [
    "LayoutError",
    "LayoutOptions",
    "NoFilename",
    "Place",
    "Places",
    "ScanFile",
    "Status",
    "data_file",
    "entry_uris",
    "place",
]
