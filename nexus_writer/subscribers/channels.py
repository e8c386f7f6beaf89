"""From a channel's node in Redis to its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nexus_writer.data.description import as_dtype
from nexus_writer.data.scan_items import NodeAdded
from nexus_writer.model import Block, ChannelDescription


def declared_channel(node: NodeAdded) -> ChannelDescription | None:
    """As the node declares it; None where it declares no dtype and shape that can be used."""
    info = node.info.decode()
    dtype, shape = declared_values(info)
    if dtype is None or shape is None:
        return None
    return ChannelDescription(
        node.key, _name(node, info.get("fullname")), dtype, shape, _text(info.get("unit"))
    )


def declared_values(info: Mapping[str, Any]) -> tuple[np.dtype[Any] | None, tuple[int, ...] | None]:
    """Type and shape of a point; None for what is not declared in a way that can be used."""
    shape = info.get("shape")
    usable = isinstance(shape, tuple | list) and all(isinstance(length, int) for length in shape)
    try:
        dtype = as_dtype(info.get("dtype"))
    except ValueError:
        dtype = None
    return dtype, tuple(shape) if usable and shape is not None else None


def observed_channel(node: NodeAdded, blocks: Sequence[Block]) -> ChannelDescription:
    """As its first points show it; ``blocks`` are not empty."""
    values = blocks[0].values
    info = node.info
    return ChannelDescription(
        node.key, _name(node, info.get("fullname")), values.dtype, values.shape[1:], _text(info.get("unit"))
    )


def _name(node: NodeAdded, fullname: object) -> str:
    return fullname if isinstance(fullname, str) and fullname else node.name


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
