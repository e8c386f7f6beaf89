"""Buffers of what is acquired: the latest samples of a stream, also in memory that processes share."""

from .errors import AcquisitionError, BufferClosed, IndexGoesBack, OverrunError
from .ring_buffer import RingBuffer
from .shared_mem import SharedArray, SharedMem

__all__ = [
    "AcquisitionError",
    "BufferClosed",
    "IndexGoesBack",
    "OverrunError",
    "RingBuffer",
    "SharedArray",
    "SharedMem",
]
