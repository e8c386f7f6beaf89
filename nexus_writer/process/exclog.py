"""Coroutines that may fail without a witness."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

__all__ = ["exclog"]


class Logging(Protocol):
    """Who has a logger."""

    logger: logging.Logger


S = TypeVar("S", bound=Logging)
P = ParamSpec("P")
T = TypeVar("T")


def exclog(
    func: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T | None]]:
    """For coroutine methods that are run as tasks: an exception is logged with its traceback, and ends there.

    The task's value is None then. A cancellation passes.
    """

    @functools.wraps(func)
    async def logged(self: S, *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return await func(self, *args, **kwargs)
        except Exception:
            self.logger.critical("%s failed", func.__qualname__, exc_info=True)
            return None

    return cast("Callable[Concatenate[S, P], Coroutine[Any, Any, T | None]]", logged)
