"""Exceptions that travel from a backend to its frontend."""

from __future__ import annotations

import pickle
import traceback

from .errors import RemoteError, RemoteTraceback

__all__ = ["Failure"]


class Failure:
    """Unpickles as the exception itself, caused by a RemoteTraceback that shows where it came from.

    An exception that can not be pickled, or not be made anew from its pickle, becomes a RemoteError.
    """

    def __init__(self, error: BaseException) -> None:
        self._type_name = type(error).__name__
        self._text = str(error)
        self._traceback = "".join(traceback.format_exception(error)).rstrip()
        self._pickled = _pickled(error)

    def __reduce__(self) -> tuple[object, ...]:
        return _exception, (self._pickled, self._type_name, self._text, self._traceback)


def _pickled(error: BaseException) -> bytes:
    try:
        return pickle.dumps(error)
    except Exception:
        return b""


def _exception(pickled: bytes, type_name: str, text: str, remote_traceback: str) -> BaseException:
    error: BaseException
    try:
        error = pickle.loads(pickled)
        if not isinstance(error, BaseException):
            raise TypeError
    except Exception:
        error = RemoteError(type_name, text)
    error.__cause__ = RemoteTraceback(remote_traceback)
    return error
