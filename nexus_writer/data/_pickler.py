"""Pickles by the names of numpy 1, from any numpy: real clients still run numpy 1.

numpy 2 writes ``numpy._core.multiarray`` and ``numpy.bool``, which numpy 1 does not know; numpy 2 reads
``numpy.core.multiarray`` and ``numpy.bool_``. Names are written by ``save_global`` of Python's own
pickler in Python; it is used only when a value holds one of these names.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

PROTOCOL = 4

_PythonPickler: Any = pickle._Pickler
"""The methods that write opcodes have no types."""


class NumpyOnePickler(_PythonPickler):  # type: ignore[misc]
    """Writes protocol 4 with the names of numpy 1."""

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = getattr(obj, "__module__", None)
        if obj is np.bool_:
            self._save_name(obj, "numpy", "bool_")
        elif isinstance(module, str) and module.startswith("numpy._core."):
            self._save_name(obj, module.replace("numpy._core.", "numpy.core.", 1), name or obj.__name__)
        else:
            super().save_global(obj, name)

    def _save_name(self, obj: object, module: str, name: str) -> None:
        self.save(module)
        self.save(name)
        self.write(pickle.STACK_GLOBAL)
        self.memoize(obj)


def dumps_for_numpy_1(value: object) -> bytes:
    buffer = io.BytesIO()
    NumpyOnePickler(buffer, PROTOCOL).dump(value)
    return buffer.getvalue()
