"""Points on their way from a publisher to Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nexus_writer.data import keys
from nexus_writer.data.pickles import dumps

from .chain import ChannelSpec
from .errors import WrongShape


class ChannelPublisher:
    """One channel of a running scan; ``publish`` puts points aside, the scan's ``flush`` sends them.

    ``points`` is the index of the next point. Set it ahead to leave points out, as a lost event would.
    """

    def __init__(self, key: str, fullname: str, spec: ChannelSpec, pending: list[tuple[Any, ...]]) -> None:
        self.key = key
        self.fullname = fullname
        self.spec = spec
        self.points = 0
        self._pending = pending
        self._dtype = np.dtype(spec.dtype)
        self._is_reference = spec.node_type == keys.REFERENCE_TYPE
        self._descriptions: dict[tuple[int, ...], bytes] = {}

    @property
    def info(self) -> dict[str, Any]:
        """What the channel's node says of it."""
        spec = self.spec
        return {"shape": spec.shape, "dtype": spec.dtype, "fullname": self.fullname, "unit": spec.unit}

    def publish(self, values: Any) -> None:
        """One point, or a block of points: a block has one dimension more. No points are no event.

        The values are converted to the channel's dtype. In a channel of objects a list is a block, anything
        else one point. Raises WrongShape.
        """
        points, value, shape = self._value(values)
        if points == 0:
            return
        fields = _fields(points, value, self._description(shape))
        self._pending.append((keys.data(self.key), self.points + 1, *fields))
        self.points += points

    def _value(self, values: Any) -> tuple[int, Any, tuple[int, ...]]:
        """Number of points, what is pickled of them, shape of one point."""
        is_object = self._dtype.kind == "O" or self._is_reference
        if is_object and not isinstance(values, list | tuple | np.ndarray):
            return 1, values, ()
        ndim = len(self.spec.shape)
        array = np.asarray(values, dtype=self._dtype)
        if array.ndim == ndim:
            return 1, array[()], array.shape
        if array.ndim != ndim + 1:
            raise WrongShape(self.fullname, self.spec.shape, array.shape)
        return len(array), array[0] if len(array) == 1 else array, array.shape[1:]

    def _description(self, shape: tuple[int, ...]) -> bytes:
        if shape not in self._descriptions:
            spec = self.spec
            self._descriptions[shape] = dumps(
                {
                    "reference": spec.node_type == keys.REFERENCE_TYPE,
                    "dtype": spec.dtype,
                    "shape": shape,
                    "unit": spec.unit,
                }
            )
        return self._descriptions[shape]


def stored_points(data: Any, description: Mapping[str, Any]) -> tuple[int, tuple[Any, ...]]:
    """How many points ``data`` are, and the fields of the event that publishes them; () for no points.

    ``description`` has at least ``shape``, that of one point, and ``dtype``, which lists are converted to.
    An array of one dimension more, and any list, is a block; anything else is one point. Raises WrongShape.
    """
    shape = tuple(description["shape"])
    if isinstance(data, list | tuple):
        data = np.asarray(data, dtype=description["dtype"])
        points = len(data)
    elif isinstance(data, np.ndarray):
        if data.ndim not in (len(shape), len(shape) + 1):
            raise WrongShape("a channel", shape, data.shape)
        points = 1 if data.ndim == len(shape) else len(data)
    else:
        points = 1
    if isinstance(data, np.ndarray):
        if not data.size:
            return 0, ()
        data = data[0] if data.ndim > len(shape) and points == 1 else data[()]
    return points, _fields(points, data, dumps(dict(description)))


def _fields(points: int, value: Any, description: bytes) -> tuple[Any, ...]:
    event = (keys.EVENT_FIELD, b"CHANNELDATA", keys.DESCRIPTION_FIELD, description)
    return (*event, keys.POINTS_FIELD, points, keys.VALUES_FIELD, dumps(value))
