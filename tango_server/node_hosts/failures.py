"""Exceptions of a node group that another host raises as the same class."""

from __future__ import annotations

import builtins
import importlib
import traceback
from typing import Any

from nexus_writer.process.errors import RemoteError, RemoteTraceback

from .wire import NotForAnotherHost, packed

OWN = "nexus_writer."


def described(error: BaseException) -> dict[str, Any]:
    """By module, name, arguments, text and traceback; without arguments that cannot travel."""
    reduced = error.__reduce__()
    arguments = list(reduced[1]) if isinstance(reduced, tuple) and isinstance(reduced[1], tuple) else []
    try:
        packed(arguments)
    except NotForAnotherHost:
        arguments = []
    return {
        "module": type(error).__module__,
        "name": type(error).__qualname__,
        "arguments": arguments,
        "text": str(error),
        "traceback": "".join(traceback.format_exception(error)).rstrip(),
    }


def raised(found: dict[str, Any]) -> BaseException:
    """The exception, caused by the traceback of the other host.

    A class that is neither Python's own nor of this project is a RemoteError: a message names no module that
    would be imported for it.
    """
    error: BaseException = RemoteError(found["name"], found["text"])
    kind = _exception_class(found["module"], found["name"])
    if kind is not None:
        try:
            made = kind(*found["arguments"])
        except Exception:
            made = None
        if made is not None and str(made) == found["text"]:
            error = made
    error.__cause__ = RemoteTraceback(found["traceback"])
    return error


def _exception_class(module: str, name: str) -> type[Exception] | None:
    if module == "builtins":
        found = getattr(builtins, name, None)
    elif module.startswith(OWN):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ImportError:
            return None
    else:
        return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None
