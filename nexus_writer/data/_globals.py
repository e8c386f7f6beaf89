"""What a pickle from Redis may name, and what becomes of it.

A name stands for a value (a class such as ``numpy.float64``, given back as it is and never called)
or for one of the few builders below, each of which makes one kind of value out of arguments that it
has checked. Any other name becomes an ``Opaque``. No object is ever called by its name alone.

The list is what BLISS 1.x and numpy 1 and 2 write, protocols 2 to 5.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np

from . import _numpy_values
from ._keys import check_key
from ._numpy_values import PendingArray, PendingDtype, Unsupported
from .opaque import Opaque, opaque

SCAN_STATES = ("IDLE", "PREPARING", "STARTING", "STOPPING", "DONE", "USER_ABORTED", "KILLED")
"""The names of BLISS' ScanState, by value."""

_BUILTIN_CLASSES = (
    bool, int, float, complex, str, bytes, bytearray, object, list, tuple, dict, set, frozenset
)  # fmt: skip
_NUMPY_CLASSES = (
    "dtype", "ndarray", "generic", "number", "integer", "floating",
    "bool_", "object_", "void", "str_", "bytes_",
    "int8", "int16", "int32", "int64", "intc", "intp", "longlong",
    "uint8", "uint16", "uint32", "uint64", "uintc", "uintp", "ulonglong",
    "float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble",
    "datetime64", "timedelta64",
)  # fmt: skip

_VALUES: dict[tuple[str, str], object] = {("builtins", kind.__name__): kind for kind in _BUILTIN_CLASSES}
_VALUES |= {("__builtin__", kind.__name__): kind for kind in _BUILTIN_CLASSES}
_VALUES |= {("__builtin__", "unicode"): str, ("__builtin__", "long"): int}
_VALUES |= {("numpy", name): getattr(np, name) for name in _NUMPY_CLASSES}
_VALUES |= {("numpy", "bool"): np.bool_, ("numpy", "float128"): np.longdouble}
_VALUES |= {("numpy", "complex256"): np.clongdouble}
_VALUES |= {("datetime", kind.__name__): kind for kind in (date, datetime, time, timedelta, timezone)}
_VALUES |= {("collections", "OrderedDict"): OrderedDict}


def find(module: str, name: str) -> object:
    """The value of a name: a class, or an ``Opaque`` for builders and for all that is not in the list."""
    value = _VALUES.get((module, name))
    if value is not None:
        return value
    placeholder = Opaque(module, name)
    return placeholder if placeholder in _BUILDERS else opaque(module, name)


def build(target: object, args: tuple[Any, ...]) -> Any:
    """What calling ``target`` stands for: a value, an ``Opaque``, or a ``Pending...`` value."""
    try:
        builder = _BUILDERS.get(target)
    except TypeError:
        raise ValueError(f"it calls a {type(target).__name__}") from None
    if isinstance(target, Opaque):
        return target if builder is None else _built(builder, args, target)
    if not isinstance(target, type):
        raise ValueError(f"it calls a {type(target).__name__}")
    name = Opaque(target.__module__, target.__name__)
    return opaque(name.module, name.name) if builder is None else _built(builder, args, name)


def _built(builder: Callable[..., Any], args: tuple[Any, ...], name: Opaque) -> Any:
    try:
        return builder(*args)
    except Unsupported:
        return opaque(name.module, name.name)
    except TypeError as error:
        raise ValueError(f"arguments that {name.module}.{name.name} does not take") from error


def _require(value: object, kind: type) -> None:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} in the place of a {kind.__name__}")


def _datetime(packed: bytes, tz: timezone | None = None) -> datetime:
    _require(packed, bytes)
    if tz is not None:
        _require(tz, timezone)
    high, low, month, day, hour, minute, second, *micro = packed
    microsecond = int.from_bytes(bytes(micro), "big")
    year, fold = high * 256 + low, month >> 7
    return datetime(year, month & 0x7F, day, hour, minute, second, microsecond, tz, fold=fold)


def _date(packed: bytes) -> date:
    _require(packed, bytes)
    high, low, month, day = packed
    return date(high * 256 + low, month, day)


def _time(packed: bytes, tz: timezone | None = None) -> time:
    _require(packed, bytes)
    if tz is not None:
        _require(tz, timezone)
    hour, minute, second, *micro = packed
    microsecond = int.from_bytes(bytes(micro), "big")
    return time(hour & 0x7F, minute, second, microsecond, tz, fold=hour >> 7)


def _timedelta(days: int, seconds: int = 0, microseconds: int = 0) -> timedelta:
    for number in (days, seconds, microseconds):
        _require(number, int)
    return timedelta(days, seconds, microseconds)


def _timezone(offset: timedelta, name: str | None = None) -> timezone:
    _require(offset, timedelta)
    if name is None:
        return timezone(offset)
    _require(name, str)
    return timezone(offset, name)


def _complex(real: float, imaginary: float) -> complex:
    _require(real, float)
    _require(imaginary, float)
    return complex(real, imaginary)


def _bytearray(content: bytes = b"") -> bytearray:
    _require(content, bytes)
    return bytearray(content)


def _bytes(*content: object) -> bytes:
    """Protocols below 3 write empty bytes as a call without arguments."""
    if content:
        raise Unsupported
    return b""


def _set(items: list[Any]) -> set[Any]:
    _require(items, list)
    for item in items:
        check_key(item)
    return set(items)


def _encode(text: str, encoding: str = "") -> bytes:
    """How protocols below 3 write bytes."""
    _require(text, str)
    if encoding != "latin1":
        raise ValueError("bytes in an encoding other than latin1")
    return text.encode("latin1")


def _scan_state(value: int) -> str:
    _require(value, int)
    if not 0 <= value < len(SCAN_STATES):
        raise Unsupported
    return SCAN_STATES[value]


def _dtype(code: str, align: bool, copy: bool) -> PendingDtype:
    return PendingDtype(code)


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> PendingArray:
    if kind is not np.ndarray:
        raise Unsupported
    return PendingArray()


_BUILDERS: dict[object, Callable[..., Any]] = {
    np.dtype: _dtype,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
    timezone: _timezone,
    complex: _complex,
    bytearray: _bytearray,
    OrderedDict: lambda: OrderedDict(),
    bytes: _bytes,
    set: _set,
    frozenset: lambda items: frozenset(_set(items)),
    Opaque("_codecs", "encode"): _encode,
    Opaque("bliss.scanning.scan_state", "ScanState"): _scan_state,
}
for _core in ("numpy.core", "numpy._core"):
    _BUILDERS[Opaque(f"{_core}.multiarray", "_reconstruct")] = _reconstruct
    _BUILDERS[Opaque(f"{_core}.multiarray", "scalar")] = _numpy_values.scalar
    _BUILDERS[Opaque(f"{_core}.numeric", "_frombuffer")] = _numpy_values.from_buffer
