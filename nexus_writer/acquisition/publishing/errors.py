"""What a publisher cannot publish."""

from __future__ import annotations

from nexus_writer.acquisition.errors import AcquisitionError

__all__ = ["PublishingFailed", "StreamWentBack", "UnfitStream"]


class UnfitStream(AcquisitionError, ValueError):
    """A stream whose samples cannot be the points of channels."""

    def __init__(self, stream: str, what: str, remedy: str) -> None:
        super().__init__(f"stream {stream} has {what}: {remedy}")


class StreamWentBack(AcquisitionError, ValueError):
    """Samples came that were published already, or left out: their detector was started anew."""

    def __init__(self, stream: str, start: int, points: int) -> None:
        super().__init__(
            f"stream {stream} went back from sample {points} to {start}: start its node once in a scan"
        )


class PublishingFailed(AcquisitionError):
    """A scan was ended before its time; the cause says why."""

    def __init__(self, scan: str, why: object) -> None:
        super().__init__(f"{scan} was not published to its end: {why}")
