"""What the layout leaves to choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """``keepshape`` saves a mesh with its grid's shape instead of flat; ``multivalue_positioners`` puts the
    channels of a master with several of them in one NXpositioner; ``noconfig`` ignores what the session
    tells the writer of its configuration. ``entry_name`` is a template that ``check_entry_name`` accepts;
    ``compression_scheme`` counts where the session asks for none. Frames of cameras in HDF5 files become a
    virtual dataset unless ``disable_external_hdf5``, those in plain EDF files an external one with
    ``enable_external_nonhdf5``; others are copied with ``copy_non_external``, else named. ``applications`` is
    a file of application definitions; with ``stackmca`` those of several detectors are one dataset there."""

    keepshape: bool = False
    multivalue_positioners: bool = False
    noconfig: bool = False
    entry_name: str = DEFAULT_ENTRY_NAME
    compression_scheme: str = ""
    enable_external_nonhdf5: bool = False
    disable_external_hdf5: bool = False
    copy_non_external: bool = False
    applications: Path | None = None
    stackmca: bool = False
