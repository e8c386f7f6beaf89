"""Channels: points in the order in which they were measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from numbers import Integral
from types import EllipsisType
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import redis
from redis.client import Pipeline

from nexus_writer.data import keys
from nexus_writer.data.description import as_dtype
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.streams import RawEntry
from nexus_writer.model import Block

from .node import DataNode


class PointsTrimmed(IndexError):
    """Points that were asked for are not in Redis any more: it keeps about the last 2048 entries."""

    def __init__(self, channel: str, first: int, kept: int) -> None:
        super().__init__(
            f"{channel}: point {first} is gone from Redis, which has points from {kept} on: read the file"
        )


class NotInPipeline(ValueError):
    """Part of the points was asked for in a pipeline, which cannot look where it lies."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"{channel}: in a pipeline ask for all points, get(0, -1), or for the last, get(-1)")


class ChannelNode(DataNode):
    """What has data: a channel or a camera."""

    SUFFIXES = (*DataNode.SUFFIXES, keys.DATA_SUFFIX)

    @property
    def fullname(self) -> str:
        """With its device, like axis:samx."""
        return self.name

    @property
    def short_name(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point as it was declared; () for a scalar, 0 or -1 where it is unknown."""
        shape = self.info.get("shape")
        lengths = shape if isinstance(shape, tuple | list) else ()
        return tuple(map(int, lengths)) if all(isinstance(one, Integral) for one in lengths) else ()

    @property
    def dtype(self) -> Any:
        """What its publisher declared: a numpy dtype, a class or a text such as U10."""
        return self.info.get("dtype")

    @property
    def unit(self) -> str | None:
        unit = self.info.get("unit")
        return unit if isinstance(unit, str) else None

    def add_event(self, entry_id: int, fields: Sequence[Any], cnx: redis.Redis | None = None) -> None:
        """An entry of the data stream, by ``cnx`` if it is given: a pipeline, say.

        Raises redis.ResponseError for an id that is not behind the last one.
        """
        from nexus_writer.data.publishing.scan import STREAM_MAX_ENTRIES

        command: tuple[Any, ...] = ("XADD", keys.data(self.db_name), "MAXLEN", "~", STREAM_MAX_ENTRIES)
        client = self.connection if cnx is None else cnx
        client.execute_command(*command, entry_id, *fields)  # type: ignore[no-untyped-call]

    def __bool__(self) -> bool:
        """True, also when it has no points: it is not to be taken for a missing node."""
        return True


class ChannelDataNode(ChannelNode):
    """A channel. Its length counts all points that were published, also those that Redis has dropped."""

    _next_index: int | None = None

    def store(self, event_dict: Mapping[str, Any], cnx: redis.Redis | None = None) -> None:
        """Publish points, ``{"description": {"shape": (), "dtype": float, ...}, "data": points}``.

        They come behind those that the channel had at the first call: nobody else may publish into it.
        ``cnx`` may be a pipeline. Raises WrongShape, redis.ResponseError.
        """
        from nexus_writer.data.publishing.channel import stored_points

        if self._next_index is None:
            self._next_index = len(self)
        points, fields = stored_points(event_dict.get("data", []), event_dict["description"])
        if points:
            self.add_event(self._next_index + 1, fields, cnx)
            self._next_index += points

    def __len__(self) -> int:
        stop, _ = self._extent()
        return stop

    def get(self, from_index: int, to_index: int | None = None) -> Any:
        """One point, or the points from ``from_index`` to ``to_index``, both included.

        One point: None when there is no such point (yet, or any more); -1 is the last one.
        Several: an array of the shape (n,) + the shape of a point, a list where points differ in shape;
        what lies behind the last point is left out; a negative ``to_index`` means up to the last. From 0 to
        the last gives what Redis still has; any other range that begins before that raises PointsTrimmed.

        With a pipeline as connection (``replace_connection``) it asks for all points, or the last one, and
        gives a function that makes them of the reply; raises NotInPipeline for others.
        """
        if isinstance(self.connection, Pipeline):
            return self.ask(self.connection, from_index, to_index)
        if to_index is None:
            return self._point(from_index)
        stop, _ = self._extent()
        first = max(0, from_index + stop) if from_index < 0 else from_index
        last = stop - 1 if to_index < 0 else min(to_index, stop - 1)
        return self._range(first, last, or_tail=from_index == 0 and to_index < 0)

    def get_as_array(self, from_index: int, to_index: int | None = None) -> npt.NDArray[Any]:
        """As ``get``, always an array; points of different lengths are filled up with NaN."""
        values = self.get(from_index, to_index)
        return _filled_up(values) if isinstance(values, list) else np.asarray(values)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Any: ...
    @overload
    def __getitem__(self, index: EllipsisType) -> Any: ...
    def __getitem__(self, index: int | slice | EllipsisType) -> Any:
        """As of a list of points; ``[...]`` is all that Redis has. Raises IndexError, PointsTrimmed."""
        if isinstance(index, EllipsisType):
            return self.get(0, -1)
        stop, first_kept = self._extent()
        if isinstance(index, slice):
            wanted = range(stop)[index]
            if not wanted:
                return self._no_points()
            return self._range(min(wanted), max(wanted))[:: wanted.step]
        at = range(stop)[index]
        found = self._blocks(at, at)
        if not found:
            raise PointsTrimmed(self.db_name, at, first_kept)
        return found[0].values[0]

    def __iter__(self) -> Iterator[Any]:
        """The points that are there now."""
        return iter(self.get(0, -1))

    def ask(
        self, pipeline: Pipeline, from_index: int = 0, to_index: int | None = -1
    ) -> Callable[[list[tuple[bytes, dict[bytes, bytes]]]], Any]:
        """As ``get``, of all points or of the last one (-1, None): a function of the pipeline's reply."""
        stream: Any = keys.data(self.db_name)
        if (from_index, to_index) == (-1, None):
            pipeline.xrevrange(stream, count=1)
        elif (from_index, to_index) == (0, -1):
            pipeline.xrange(stream)
        else:
            raise NotInPipeline(self.db_name)
        return partial(self._decoded, one=to_index is None)

    def _decoded(self, entries: list[tuple[bytes, dict[bytes, bytes]]], *, one: bool) -> Any:
        blocks = PointDecoder(self.db_name).decode(raw_entries(entries))
        if one:
            return blocks[-1].values[-1] if blocks else None
        return _together([block.values for block in blocks])

    def _point(self, index: int) -> Any:
        if index < 0:
            stop, _ = self._extent()
            index += stop
        found = self._blocks(index, index) if index >= 0 else []
        return found[0].values[0] if found else None

    def _range(self, first: int, last: int, *, or_tail: bool = False) -> Any:
        """All points from ``first`` to ``last``; with ``or_tail`` those that are left of them."""
        blocks = self._blocks(first, last) if first <= last else []
        if sum(map(len, blocks)) < last + 1 - first and not or_tail:
            raise PointsTrimmed(self.db_name, first, self._extent()[1])
        return _together([block.values for block in blocks]) if blocks else self._no_points()

    def _no_points(self) -> npt.NDArray[Any]:
        """Of the dtype and shape that the channel declares; of floats where that makes no sense."""
        try:
            return np.empty((0, *(max(0, length) for length in self.shape)), as_dtype(self.dtype))
        except (TypeError, ValueError):
            return np.empty(0)

    def _blocks(self, first: int, last: int) -> list[Block]:
        """The points from ``first`` to ``last`` that Redis has. Raises Undecodable."""
        with self.connection.pipeline(transaction=True) as pipeline:
            stream: Any = keys.data(self.db_name)
            pipeline.xrevrange(stream, max=first + 1, count=1)
            pipeline.xrange(stream, min=first + 2, max=last + 1)
            before, behind = pipeline.execute()
        blocks = PointDecoder(self.db_name).decode(raw_entries([*before, *behind]))
        return [part for block in blocks if (part := _part(block, first, last)) is not None]

    def _extent(self) -> tuple[int, int]:
        """The index behind the last point, and that of the first point that Redis has."""
        with self.connection.pipeline(transaction=True) as pipeline:
            stream: Any = keys.data(self.db_name)
            pipeline.xrevrange(stream, count=1)
            pipeline.xrange(stream, count=1)
            last, first = pipeline.execute()
        if not last:
            return 0, 0
        entry_id, fields = last[0]
        return _index(entry_id) + int(fields.get(keys.POINTS_FIELD, 1)), _index(first[0][0])


def raw_entries(entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[RawEntry]:
    """Entries of a client's XRANGE in the form in which a low-level connection has them."""
    return [[entry_id, [part for pair in fields.items() for part in pair]] for entry_id, fields in entries]


def _index(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0]) - 1


def _part(block: Block, first: int, last: int) -> Block | None:
    low, high = max(first, block.start), min(last + 1, block.stop)
    if low >= high:
        return None
    return Block(block.channel, low, block.values[low - block.start : high - block.start])


def _together(blocks: list[npt.NDArray[Any]]) -> Any:
    """One array where shapes allow it, else a list of points."""
    if not blocks:
        return np.empty(0)
    if len({block.shape[1:] for block in blocks}) == 1:
        return np.concatenate(blocks)
    return [point for block in blocks for point in block]


def _filled_up(points: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Points of several shapes in one array of floats, NaN where a point has no value."""
    shape = tuple(map(max, zip(*(point.shape for point in points), strict=True)))
    filled = np.full((len(points), *shape), np.nan)
    for values, point in zip(filled, points, strict=True):
        values[tuple(map(slice, point.shape))] = point
    return filled
