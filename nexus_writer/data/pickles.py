"""Pickles from and for Redis: nothing that is read can run code.

``loads`` gives back values, containers, numpy arrays and scalars, dtype classes and the times of
``datetime``; everything else becomes an ``Opaque``. BLISS' ScanState becomes its name. ``dumps``
writes protocol 4 by the names of numpy 1, which numpy 2 reads as well.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from nexus_writer.model.limits import LARGEST_VALUE_BYTES

from ._numpy_patterns import renamed
from ._pickler import dumps_for_numpy_1
from ._unpickler import Machine
from .errors import UndecodablePickle
from .opaque import Opaque

__all__ = ["Opaque", "dumps", "loads"]


def loads(data: bytes) -> Any:
    """The value of a pickle of any protocol.

    Arrays own their memory. Raises ``UndecodablePickle`` and nothing else for bytes that are no
    pickle, end too early, contradict themselves or exceed the limits of ``model.limits``.
    """
    if len(data) > LARGEST_VALUE_BYTES:
        raise UndecodablePickle(f"{len(data)} bytes, more than {LARGEST_VALUE_BYTES}")
    try:
        return Machine(bytes(data)).run()
    except (EOFError, LookupError):
        raise UndecodablePickle("it ends too early, or refers to what it never defined") from None
    except ValueError as error:
        raise UndecodablePickle(str(error)) from None
    except (ArithmeticError, TypeError, AttributeError, MemoryError, RecursionError) as error:
        raise UndecodablePickle(f"{type(error).__name__}: {error}") from None


def dumps(value: object) -> bytes:
    """The value as BLISS publishes it: protocol 4, numpy's objects by their names in numpy 1.

    Raises what pickle raises for a value that cannot be pickled, ``TypeError`` for an ``Opaque``.
    """
    data = pickle.dumps(value, protocol=4)
    if isinstance(value, np.number | np.bool_ | np.ndarray):
        by_old_names = renamed(data)
        if by_old_names is not None:
            return by_old_names
    return dumps_for_numpy_1(value) if b"numpy" in data else data
