"""Methods that are handed to what their own object keeps, without a cycle.

A scan writer that nobody needs any more is gone at once then, with its queue and its connection: a server's
garbage collector comes seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakMethod

P = ParamSpec("P")
T = TypeVar("T")


def if_there(method: Callable[P, object]) -> Callable[P, None]:
    """The bound method, which does not keep its object; when that is gone nothing is done."""
    reference = WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        if (found := reference()) is not None:
            found(*args, **kwargs)

    return call


def weakly(method: Callable[P, T]) -> Callable[P, T]:
    """The bound method, which does not keep its object. Raises ReferenceError when that is gone."""
    reference = WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        found = reference()
        if found is None:
            raise ReferenceError("the object of this method is gone")
        return found(*args, **kwargs)

    return call
