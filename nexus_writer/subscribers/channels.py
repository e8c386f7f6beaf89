"""From a channel's node in Redis to its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from nexus_writer.data.description import as_dtype
from nexus_writer.data.info import decoded
from nexus_writer.data.scan_items import NodeAdded
from nexus_writer.model import Block, ChannelDescription
from nexus_writer.model.limits import LARGEST_GAP, LONGEST_NAME, MOST_POINTS, is_credible_shape

_ALIKE = (b"dtype", b"shape", b"unit")


def declared_channel(node: NodeAdded) -> ChannelDescription | None:
    """As the node declares it; None where it declares no dtype and shape that can be used."""
    (dtype, shape), unit = _alike(*map(node.info.fields.get, _ALIKE))
    if dtype is None or shape is None:
        return None
    return ChannelDescription(node.key, _name(node, node.info.get("fullname")), dtype, shape, unit)


@lru_cache(maxsize=256)
def _alike(
    dtype: bytes | None, shape: bytes | None, unit: bytes | None
) -> tuple[tuple[np.dtype[Any] | None, tuple[int, ...] | None], str | None]:
    """Type, shape and unit, as pickled: most channels of a scan say the same."""
    info = {
        name: decoded(value, name)
        for name, value in zip(("dtype", "shape", "unit"), (dtype, shape, unit), strict=True)
        if value is not None
    }
    return declared_values(info), _text(info.get("unit"))


def declared_values(info: Mapping[str, Any]) -> tuple[np.dtype[Any] | None, tuple[int, ...] | None]:
    """Type and shape of a point; None for what is not declared in a way that can be used."""
    shape = info.get("shape")
    try:
        dtype = as_dtype(info.get("dtype"))
    except ValueError:
        dtype = None
    usable = isinstance(shape, tuple | list) and all(isinstance(length, int) for length in shape)
    item_bytes = dtype.itemsize if dtype is not None else 1
    if shape is None or not usable or not is_credible_shape(tuple(shape), item_bytes):
        return dtype, None
    return dtype, tuple(shape)


def credible_blocks(blocks: Sequence[Block], points: int) -> tuple[Sequence[Block], str]:
    """The blocks up to one that cannot be, behind so many points; and what is wrong with that one."""
    before = points
    for index, block in enumerate(blocks):
        if why := _what_is_wrong(block, before):
            return blocks[:index], why
        before = block.stop
    return blocks, ""


def _what_is_wrong(block: Block, points: int) -> str:
    """A scan that is gone on with may begin anywhere."""
    if block.start < 0 or block.stop > MOST_POINTS:
        return f"its point {block.start} is beyond {MOST_POINTS}" if block.start > 0 else "it has no index"
    if points and block.start - points > LARGEST_GAP:
        return f"its points {points} to {block.start - 1} never came"
    shape = block.values.shape[1:]
    if not is_credible_shape(shape, block.values.dtype.itemsize):
        return f"its points have the shape {shape}"
    return ""


def observed_channel(node: NodeAdded, blocks: Sequence[Block]) -> ChannelDescription:
    """As its first points show it; ``blocks`` are not empty."""
    values = blocks[0].values
    info = node.info
    return ChannelDescription(
        node.key, _name(node, info.get("fullname")), values.dtype, values.shape[1:], _text(info.get("unit"))
    )


def _name(node: NodeAdded, fullname: object) -> str:
    named = isinstance(fullname, str) and 0 < len(fullname) <= LONGEST_NAME and fullname.isprintable()
    return str(fullname) if named else node.name


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
