"""What travels between a program and a node group by Tango, as JSON: no code, no pickles.

Beside what JSON has: tuples, bytes, dictionaries with any keys, numpy arrays, scalars and dtypes, and states
of nodes. They are objects with the key ``__type__``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from nexus_writer.acquisition.nodes.states import NodeState

TYPE = "__type__"
PLAIN = (type(None), bool, int, float, str)


class NotForAnotherHost(TypeError):
    """A value that JSON cannot carry."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"a {type(value).__name__} cannot go to another host: give numbers, texts, lists, dictionaries "
            "or numpy arrays"
        )


def packed(value: Any) -> str:
    """Raises NotForAnotherHost."""
    return json.dumps(_packed(value))


def unpacked(text: str) -> Any:
    """Of what ``packed`` made. Raises ValueError for anything else."""
    try:
        return _unpacked(json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message of a node group: {error!r}") from None


def _packed(value: Any) -> Any:
    if isinstance(value, NodeState):
        return {TYPE: "state", "name": value.name}
    if type(value) in PLAIN:
        return value
    if isinstance(value, list):
        return [_packed(item) for item in value]
    if isinstance(value, tuple):
        return {TYPE: "tuple", "items": [_packed(item) for item in value]}
    if isinstance(value, dict):
        return {TYPE: "dict", "items": [[_packed(key), _packed(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {TYPE: "bytes", "data": base64.b64encode(value).decode()}
    if isinstance(value, np.dtype):
        return {TYPE: "dtype", "descr": _described(value)}
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        data = base64.b64encode(value.tobytes()).decode()
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {TYPE: kind, "descr": _described(value.dtype), "shape": list(value.shape), "data": data}
    raise NotForAnotherHost(value)


def _described(dtype: np.dtype[Any]) -> Any:
    """As in the header of a .npy file."""
    return dtype.str if dtype.names is None else _packed(np.lib.format.dtype_to_descr(dtype))


def _dtype(descr: Any) -> np.dtype[Any]:
    return np.dtype(descr) if isinstance(descr, str) else np.lib.format.descr_to_dtype(_unpacked(descr))


def _array(found: dict[str, Any]) -> np.ndarray[Any, Any]:
    data = base64.b64decode(found["data"])
    return np.frombuffer(data, _dtype(found["descr"])).reshape(found["shape"]).copy()


UNPACK: dict[str, Callable[[dict[str, Any]], Any]] = {
    "state": lambda found: NodeState[found["name"]],
    "tuple": lambda found: tuple(_unpacked(item) for item in found["items"]),
    "dict": lambda found: {_unpacked(key): _unpacked(item) for key, item in found["items"]},
    "bytes": lambda found: base64.b64decode(found["data"]),
    "dtype": lambda found: _dtype(found["descr"]),
    "array": _array,
    "scalar": lambda found: _array(found)[()],
}


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    return UNPACK[value[TYPE]](value) if isinstance(value, dict) else value
