"""Chunks as the filters of their dataset store them, made outside HDF5 and its lock: in any thread.

HDF5's own filters are two: its byte shuffle, which is a transposition, and deflate, which is a stream of
zlib (RFC 1950) that any library may make; ISA-L makes it 6 to 10 times as fast as zlib at level 4, within 3 %
as small. All others are plugins. What a plugin has to offer HDF5 is published: H5PLget_plugin_info gives a
structure with the function that HDF5 itself would call ("HDF5 Dynamically Loaded Filters", H5PLextern.h and
H5Zdevelop.h). Those of hdf5plugin are called here, by ctypes, which releases the interpreter's lock: so the
bytes are the very ones that HDF5 would have stored.

A filter function gets a buffer from malloc, may replace it by another one, frees the first one then, and
returns how many bytes of it count; 0 is a failure.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from .scratch import Scratch
from .storage import Storage

_ISAL_LEVEL, _ZLIB_LEVEL = 2, 4

Filters = tuple[tuple[int, tuple[int, ...]], ...]
"""Of a dataset: the number of each, and its options as they stand in the file."""

Step = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


class NotEncoded(RuntimeError):
    """A filter did not take a chunk."""


def filters_of(dataset: Any) -> Filters:
    """Of a low-level dataset, in the order of writing."""
    creation = dataset.get_create_plist()
    found = (creation.get_filter(index) for index in range(creation.get_nfilters()))
    return tuple((number, tuple(options)) for number, _, options, *_ in found)


@lru_cache
def steps_of(filters: Filters) -> tuple[Step, ...] | None:
    """What a chunk goes through; None when HDF5 alone can do it.

    Each is tried: libraries set themselves up in their first call, which no other one may meet.
    """
    numbered = zip(range(len(filters) - 1, -1, -1), filters, strict=True)
    try:
        steps = tuple(_step(number, options, is_last=rest == 0) for rest, (number, options) in numbered)
        values: npt.NDArray[Any] = np.zeros(1024, np.uint8)
        for step in steps:
            values = step(values)
    except (ImportError, OSError, AttributeError, KeyError, NotEncoded):
        return None
    return steps


def encoded(values: npt.NDArray[Any], storage: Storage, steps: tuple[Step, ...]) -> npt.NDArray[Any]:
    """One chunk through its filters, the ``values`` filled up where they are fewer. Raises NotEncoded."""
    if values.shape != storage.chunk:
        chunk = storage.empty(storage.chunk)
        chunk[tuple(map(slice, values.shape))] = values
        values = chunk
    for step in steps:
        values = step(values)
    return values


def _step(number: int, options: tuple[int, ...], *, is_last: bool) -> Step:
    if number == h5py.h5z.FILTER_SHUFFLE:
        return _byte_shuffle(options[0], None if is_last else Scratch())
    if number == h5py.h5z.FILTER_DEFLATE:
        return _deflate()
    return _Plugin(number, options)


def _byte_shuffle(size: int, scratch: Scratch | None) -> Step:
    """First bytes first: of elements of ``size`` bytes. Into ``scratch``, or memory of its own."""

    def shuffled(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        elements = values.reshape(-1).view(np.uint8).reshape(-1, size)
        memory = np.empty(elements.size, np.uint8) if scratch is None else scratch.buffer(elements.size)
        memory.reshape(size, -1)[...] = elements.T
        return memory

    return shuffled


def _deflate() -> Step:
    try:
        from isal import isal_zlib
    except ImportError:  # there are processors that ISA-L does not know
        import zlib

        return lambda values: _bytes(zlib.compress(_raw(values), _ZLIB_LEVEL))
    return lambda values: _bytes(isal_zlib.compress(_raw(values), _ISAL_LEVEL))


def _raw(values: npt.NDArray[Any]) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _bytes(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


_Function = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,  # flags: 0 to write
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),  # options
    ctypes.c_size_t,  # bytes that count
    ctypes.POINTER(ctypes.c_size_t),  # size of the buffer
    ctypes.POINTER(ctypes.c_void_p),
)


class _FilterClass(ctypes.Structure):
    """H5Z_class2_t."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", _Function),
    )


class _Plugin:
    """A filter of hdf5plugin."""

    def __init__(self, number: int, options: tuple[int, ...]) -> None:
        self._function = _function_of(number)
        self._options = (ctypes.c_uint * len(options))(*options)

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nbytes = values.nbytes
        buffer, size = ctypes.c_void_p(_malloc(nbytes)), ctypes.c_size_t(nbytes)
        if not buffer:
            raise MemoryError
        try:
            place = (ctypes.c_ubyte * nbytes).from_address(buffer.value or 0)
            np.ctypeslib.as_array(place).view(values.dtype).reshape(values.shape)[...] = values
            count = self._function(
                0, len(self._options), self._options, nbytes, ctypes.byref(size), ctypes.byref(buffer)
            )
            if not 0 < count <= 2**32 or not buffer:
                raise NotEncoded(f"a filter failed for a chunk of {nbytes} bytes")
            return _bytes(ctypes.string_at(buffer, count))
        finally:
            _free(buffer)


_libc = ctypes.CDLL(None)
_malloc, _free = _libc.malloc, _libc.free
_malloc.argtypes, _malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
_free.argtypes, _free.restype = [ctypes.c_void_p], None


def _function_of(number: int) -> Any:
    """Raises KeyError, OSError, AttributeError when hdf5plugin has none."""
    import hdf5plugin

    names = {known: name for name, known in hdf5plugin.FILTERS.items()}
    library = ctypes.CDLL(hdf5plugin.get_config().registered_filters[names[number]])
    library.H5PLget_plugin_info.restype = ctypes.POINTER(_FilterClass)
    filter_class = library.H5PLget_plugin_info().contents
    if filter_class.version != 1 or filter_class.id != number:
        raise KeyError(number)
    return filter_class.filter
