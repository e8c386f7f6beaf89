"""Where everything of a scan goes in a NeXus file."""

from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME, BadEntryName, check_entry_name
from nexus_writer.model.location import data_file, entry_uris

from .application_definitions import BadApplications, application_definitions
from .errors import LayoutError, NoFilename, ScanSavedElsewhere
from .masters import Masters
from .options import LayoutOptions
from .place import Place, place
from .places import Places
from .scan_file import ScanFile
from .writer_note import Status

__all__ = [
    "DEFAULT_ENTRY_NAME",
    "BadApplications",
    "BadEntryName",
    "LayoutError",
    "LayoutOptions",
    "Masters",
    "NoFilename",
    "Place",
    "Places",
    "ScanFile",
    "ScanSavedElsewhere",
    "Status",
    "application_definitions",
    "check_entry_name",
    "data_file",
    "entry_uris",
    "place",
]
