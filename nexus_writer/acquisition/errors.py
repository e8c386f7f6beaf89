"""What can go wrong with streams and their buffers."""

from __future__ import annotations

__all__ = [
    "AcquisitionError",
    "BufferClosed",
    "ChunkRefused",
    "IndexGoesBack",
    "OverrunError",
    "SendBlocked",
    "SpecMismatch",
    "StreamError",
    "TransferModePlanned",
]


class AcquisitionError(RuntimeError):
    """Base of the errors of this package."""


class OverrunError(AcquisitionError, IndexError):
    """The writer of a ring was faster than its reader. ``lost`` is the number of samples that are gone."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        super().__init__(
            f"{lost} samples were overwritten before they were read: "
            "read faster, or give the ring a larger buffer_size"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return OverrunError, (self.lost,)


class IndexGoesBack(AcquisitionError, ValueError):
    """A chunk would replace samples that were written before."""

    def __init__(self, start: int, written: int) -> None:
        super().__init__(
            f"the chunk starts at index {start}, but the buffer is written up to {written}: "
            "send chunks in order, or reset the index first"
        )


class BufferClosed(AcquisitionError, ValueError):
    """Shared memory was asked for after its close."""

    def __init__(self, shm_id: str) -> None:
        super().__init__(f"the shared memory {shm_id} is closed: open it again with its to_dict()")


class StreamError(AcquisitionError):
    """A stream is not in the state that a call needs, or its other end does not answer."""


class SpecMismatch(AcquisitionError, ValueError):
    """A parameter of a stream is not the one that was asked for."""

    def __init__(self, key: str, asked: object, found: object) -> None:
        self.key = key
        super().__init__(f"the stream needs {key}={asked!r}, and was given {key}={found!r}: make them equal")


class ChunkRefused(AcquisitionError, ValueError):
    """What was to be sent is not what the stream was configured for; nothing was sent."""


class TransferModePlanned(AcquisitionError, ValueError):
    """A transfer mode that has a name, and no code yet."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"transfer mode {name!r} is planned and not there yet: use 'sharedmem' or 'plaindata'"
        )


class SendBlocked(AcquisitionError, TimeoutError):
    """A receiver took nothing for ``timeout_s``; the chunk was sent to nobody, and may be sent again."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(
            f"a receiver took no chunk for {timeout_s:g} s: let it read, close it, "
            "or configure policy='drop_newest' or 'drop_oldest'"
        )
