"""Which channels a stream is, and the points of each in its chunks.

``streamtype`` and ``shape`` of the stream decide: signals of the shape (-1, n) are n channels of single
values, and one channel of spectra where the stream's params have ``spectrum`` True; images are one channel;
so are signals with more dimensions, unless ``channel_info`` names as many as the second has. The fields of a
structured dtype are channels of their own. ``channel_info`` names channels, one entry each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nexus_writer.acquisition.dtypes import make_dtype
from nexus_writer.data.publishing import ChannelSpec, SavingSpec, camera

from .errors import UnfitStream

_IMAGES = ("image/video", "image", "video")
_UNITS = ("units", "unit")


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the points of a channel lie in a chunk: in a field of its dtype, in a column, or all of it."""

    spec: ChannelSpec
    name: str | None = None
    number: int | None = None

    def of(self, chunk: NDArray[Any]) -> NDArray[Any]:
        points = chunk if self.name is None else chunk[self.name]
        points = points if self.number is None else points[:, self.number]
        if points.dtype.kind == "M":
            return points.astype("M8[us]").astype(np.int64) / 1e6
        return points


class StreamChannels:
    """The channels of one stream, by its name and its ``params``.

    ``told`` adds to what the stream says of a channel, by the channel's name: ``units``, ``counter``,
    ``display`` (see ``ChannelSpec``). Raises UnfitStream for samples that no channel can hold.
    """

    def __init__(
        self, name: str, params: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self.name = name
        self.saving = _saving(name, params)
        self._columns = _columns(name, params) if self.saving is None else _frames(params)
        self._columns = [_with(column, (told or {}).get(column.spec.name, {})) for column in self._columns]
        names = self.names
        if twice := {one for one in names if names.count(one) > 1}:
            raise UnfitStream(name, f"two channels {min(twice)}", "name them apart in channel_info")

    @property
    def specs(self) -> tuple[ChannelSpec, ...]:
        return tuple(column.spec for column in self._columns)

    @property
    def names(self) -> list[str]:
        return [column.spec.name for column in self._columns]

    def points_of(self, chunk: NDArray[Any]) -> list[NDArray[Any]]:
        """The points of each channel, in the order of ``specs``; views where that can be."""
        return [column.of(chunk) for column in self._columns]


def _columns(name: str, params: Mapping[str, Any]) -> list[_Column]:
    shape, dtype = tuple(params["shape"]), make_dtype(params["dtype"])
    if dtype.names:
        return _fields(name, dtype, shape[1:])
    infos = list(params.get("channel_info") or [])
    units = params.get("units") or None
    columns = len(shape) == 2 or (len(shape) > 2 and len(infos) == shape[1])
    if not columns or params["streamtype"] in _IMAGES or params.get("spectrum"):
        return [_Column(_named(_spec(name, dtype, name, shape[1:], units), infos, 0))]
    count = shape[1]
    names = [name if count == 1 else f"{name}_{number}" for number in range(count)]
    plain = [_spec(one, dtype, name, shape[2:], units) for one in names]
    specs = [_named(spec, infos, number) for number, spec in enumerate(plain)]
    return [_Column(spec, number=number) for number, spec in enumerate(specs)]


def _fields(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> list[_Column]:
    """Of samples of the shape (1,) the one in them; else each field has the shape of the sample, too."""
    assert dtype.names
    number, shape = (0, ()) if shape == (1,) else (None, shape)
    return [_Column(_spec(field, dtype[field], name, shape), field, number) for field in dtype.names]


def _spec(
    name: str, dtype: np.dtype[Any], stream: str, shape: tuple[int, ...] = (), units: str | None = None
) -> ChannelSpec:
    base, shape = dtype.base, shape + dtype.shape
    if base.names or base.kind not in "biufcSUM":
        raise UnfitStream(stream, f"samples of {dtype}", "send numbers, texts, or fields of these")
    if base.kind == "M":
        return ChannelSpec(name, np.float64, shape, "s")
    published: Any = base.type if base.isnative and base.kind in "biufc" else base.str
    return ChannelSpec(name, published, shape, units)


def _named(spec: ChannelSpec, infos: Sequence[Any], number: int) -> ChannelSpec:
    """As ``channel_info`` has it: mappings, or bare names."""
    if number >= len(infos):
        return spec
    info = infos[number] if isinstance(infos[number], Mapping) else {"name": str(infos[number])}
    name = str(info.get("name") or spec.name)
    return _told(replace(spec, name=name), info)


def _with(column: _Column, told: Mapping[str, Any]) -> _Column:
    return replace(column, spec=_told(column.spec, told)) if told else column


def _told(spec: ChannelSpec, told: Mapping[str, Any]) -> ChannelSpec:
    units = next((str(told[key]) for key in _UNITS if told.get(key)), spec.unit)
    counter, display = told.get("counter", spec.counter), {**spec.display, **told.get("display", {})}
    return replace(spec, unit=units, counter=counter, display=display)


def _saving(name: str, params: Mapping[str, Any]) -> SavingSpec | None:
    """Of a stream that tells of frames in files, and does not hold them."""
    said = params.get("saving")
    if said is None:
        return None
    if "frame_shape" not in params or "frame_dtype" not in params:
        raise UnfitStream(name, "frames in files", "give its params frame_shape and frame_dtype, too")
    try:
        return SavingSpec(**said)
    except TypeError as error:
        raise UnfitStream(name, f"saving={said}", f"give what SavingSpec takes ({error})") from None


def _frames(params: Mapping[str, Any]) -> list[_Column]:
    height, width = params["frame_shape"]
    return [_Column(camera((int(height), int(width)), make_dtype(params["frame_dtype"]).type))]
