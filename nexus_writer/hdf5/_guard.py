"""The border of the package: what goes wrong leaves it as text.

HDF5 has one lock for the whole process and h5py takes it to free an object. A traceback holds the frames it
went through, and these hold h5py objects; freed in another thread (0.6 s behind a compressed frame, measured)
they would stop it. So errors are raised anew here, from a frame without any, and without their context.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from .causes import cause_text
from .errors import FileBroken, FileFailed, Hdf5Error
from .live_file import LiveFile, live_file_of

P = ParamSpec("P")
R = TypeVar("R")


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Errors of ``function`` carry no h5py object; a failed write breaks the file that it was for.

    The first argument that is of a live file (an h5py object, or one with a ``file``) tells which.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as caught:
            error = _without_frames(caught, args)
        del args, kwargs
        try:
            raise error
        finally:
            del error  # this frame is in the error's traceback: else a cycle that keeps the callers' frames

    return call


def _without_frames(error: Exception, args: tuple[Any, ...]) -> Exception:
    if not isinstance(error, Hdf5Error):
        if is_failed_write(error) and (file := _file_of(args)) is not None:
            file.poison(cause_text(error))
            return FileBroken(file.path, cause_text(error))
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def is_failed_write(error: Exception) -> bool:
    """HDF5 could not read or write the file itself, as opposed to: did not like what it was asked."""
    return isinstance(error, FileFailed) or (
        isinstance(error, OSError | RuntimeError) and "errno = " in str(error)
    )


def _file_of(args: tuple[Any, ...]) -> LiveFile | None:
    for argument in args:
        file = getattr(argument, "live_file", None) or live_file_of(argument)
        if isinstance(file, LiveFile):
            return file
    return None
