"""What a node says it sent, so that a file can be held against it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nexus_writer.acquisition.publishing import StreamChannels

__all__ = ["SentChannel", "SentStream", "sent_stream"]

PIECE_NBYTES = 2**24


@dataclass(frozen=True, slots=True)
class SentChannel:
    """``sha256`` is that of the bytes of all its points, one behind the other, as a file gives them back."""

    name: str
    points: int
    dtype: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class SentStream:
    """``sha256`` is that of its samples."""

    points: int
    sha256: str
    channels: Sequence[SentChannel]


def sent_stream(node: Any, output: str, channels: StreamChannels) -> SentStream:
    """Computed anew from what the node ``expected`` to send, for as many points as it ``sent``."""
    count, start, step = int(node.sent), 0, 1
    whole = hashlib.sha256()
    digests = [hashlib.sha256() for _ in channels.names]
    kinds = [(np.dtype(one.dtype).str, one.shape) for one in channels.specs]
    while start < count:
        stop = min(count, start + step)
        points = node.expected(start, stop, output)
        sample = points if channels.saving is None else node.expected_references(start, stop)
        _add(whole, sample)
        values = [points] if channels.saving is not None else channels.points_of(points)
        for digest, one in zip(digests, values, strict=True):
            _add(digest, one)
        start, step = stop, max(1, PIECE_NBYTES * (stop - start) // max(1, points.nbytes))
    found = [
        SentChannel(name, count, dtype, tuple(shape), digest.hexdigest())
        for name, (dtype, shape), digest in zip(channels.names, kinds, digests, strict=True)
    ]
    return SentStream(count, whole.hexdigest(), found)


def _add(digest: Any, values: NDArray[Any]) -> None:
    digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
