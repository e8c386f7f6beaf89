"""Files that fabio reads, opened so that whatever is wrong with one is told in one line."""

from __future__ import annotations

import contextlib
import importlib
import logging
import struct
from collections.abc import Iterator
from typing import Any

from nexus_writer.hdf5 import FramesUnreadable

from .errors import DataError


class FabioMissing(DataError):
    """Nothing here can read the files of this camera."""

    def __init__(self) -> None:
        super().__init__(
            "fabio is needed to read EDF, CBF and TIFF files: install the extra 'images' of nexus-writer"
        )


def fabio_module(name: str) -> Any:
    """A module of fabio. Raises FabioMissing."""
    try:
        module = importlib.import_module(f"fabio.{name}")
    except ImportError:
        raise FabioMissing from None
    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # what is wrong with a file comes back from here
    return module


@contextlib.contextmanager
def told_in_a_line(path: str) -> Iterator[None]:
    """What stops the reading of a file becomes FramesUnreadable."""
    try:
        yield
    except (FramesUnreadable, DataError):
        raise
    except FileNotFoundError:
        raise FramesUnreadable(path, "it does not exist") from None
    except OSError as error:
        raise FramesUnreadable(path, error.strerror or _line(error)) from None
    except struct.error:
        raise FramesUnreadable(path, "it ends too early") from None
    except Exception as error:  # fabio meets half a header with whatever it stumbles over
        raise FramesUnreadable(path, _line(error)) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
