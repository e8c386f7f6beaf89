"""Making a file: it appears complete, with its root attributes, or not at all; what is there stays."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ._library import access_properties, h5py
from ._text_attributes import new_text_attribute
from .closing import close_file
from .errors import FileNotWritable

_IMAGE_NBYTES = 4096


def create_if_missing(path: Path, root_attributes: Mapping[str, str]) -> None:
    """Make the file and its directories; what has that name stays untouched. Raises FileNotWritable."""
    try:
        why = None if path.exists() else _create(path, _image(path, root_attributes))
    except OSError as error:
        why = error.strerror
    if why is not None:
        raise FileNotWritable(path, why)


def _create(path: Path, image: bytes) -> str | None:
    """Put ``image`` at ``path`` in one step: under a name of its own first, then by a hard link.

    A reader never meets half a file, a kill leaves none, and of two processes one wins.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_exclusively(temporary, image)
            os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        return None if path.exists() else "its directory's name is taken by a file"
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            return error.strerror or str(error)
    else:
        return None
    try:
        _write_exclusively(path, image)
    except FileExistsError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None


def _write_exclusively(path: Path, content: bytes) -> None:
    with path.open("xb", buffering=0) as file:
        file.write(content)


def _image(path: Path, root_attributes: Mapping[str, str]) -> bytes:
    """The bytes of a file that holds nothing but its root attributes."""
    attributes = {
        "NX_class": "NXroot",
        "file_time": datetime.now().astimezone().isoformat(),
        "file_name": str(path),
        "HDF5_Version": h5py.version.hdf5_version,
        "h5py_version": h5py.version.version,
    } | dict(root_attributes)
    properties = access_properties()
    properties.set_fapl_core(_IMAGE_NBYTES, backing_store=False)
    file = h5py.h5f.create(b"image", h5py.h5f.ACC_TRUNC, fapl=properties)
    try:
        for name, value in attributes.items():
            new_text_attribute(file, name.encode(), value)
        h5py.h5f.flush(file)
        return bytes(file.get_file_image())
    finally:
        close_file(file)
