"""Text as HDF5 can keep it: UTF-8 without NUL, of variable length."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py

TEXT: np.dtype[Any] = h5py.string_dtype("utf-8")
"""numpy's dtype for strings of variable length."""

TEXT_IN_FILE = h5py.h5t.py_create(TEXT, logical=True)
TEXT_IN_MEMORY = h5py.h5t.py_create(TEXT)


def to_text(value: Any) -> str:
    """``value`` as text; of bytes that are no UTF-8 and of NUL the escaped form, so that nothing is lost."""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
    else:
        try:
            text = str(value)
        except Exception:
            text = f"<{type(value).__name__}>"
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def scalar_text(value: Any) -> npt.NDArray[Any]:
    """``value`` as a scalar array of text."""
    array = np.empty((), dtype=TEXT)
    array[()] = to_text(value)
    return array
