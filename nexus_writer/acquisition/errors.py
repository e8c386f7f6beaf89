"""What can go wrong with streams and their buffers."""

from __future__ import annotations

__all__ = ["AcquisitionError", "BufferClosed", "IndexGoesBack", "OverrunError"]


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
