"""Errors as a Tango client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tango


@contextmanager
def told_to_client(origin: str) -> Iterator[None]:
    """Turn any exception into a DevFailed of one line, ``ValueError: No writer for scan '9_ct' exists``.

    The line begins with the builtin type, as with the classic device: clients look for it. The traceback of a
    user's mistake would only hide it.
    """
    try:
        yield
    except tango.DevFailed:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        reason = f"{_builtin_name(error)}: {text}"
    else:
        return
    tango.Except.throw_exception("PyDs_PythonError", reason, origin)


def _builtin_name(error: BaseException) -> str:
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
