"""How the frames of a camera are saved, by the format of its files. Pure."""

from __future__ import annotations

from enum import Enum

from .options import LayoutOptions


class Way(Enum):
    """A dataset over the files of the camera, one with copies, or one that names the frames."""

    VIRTUAL = "virtual dataset"
    EXTERNAL = "external dataset"
    COPY = "copies"
    TEXT = "texts"


def ways(format: str, options: LayoutOptions) -> list[Way]:
    """What to try, the best first; the last one needs nothing from the files. ``format`` in lower case."""
    is_hdf5 = format.startswith("hdf5")
    if is_hdf5 and not options.disable_external_hdf5:
        return [Way.VIRTUAL, Way.TEXT]
    tried = []
    if format == "edf" and options.enable_external_nonhdf5:
        tried.append(Way.EXTERNAL)
    has_frames = is_hdf5 or (format.startswith("edf") and format != "edfconcat")
    if options.copy_non_external and has_frames:
        tried.append(Way.COPY)
    return [*tried, Way.TEXT]
