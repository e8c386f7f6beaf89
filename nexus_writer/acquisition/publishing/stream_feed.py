"""One stream on its way into a scan."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nexus_writer.acquisition.errors import OverrunError
from nexus_writer.acquisition.input_stream import InputStream
from nexus_writer.data.publishing import CameraPublisher, ScanPublisher

from .errors import StreamWentBack
from .stream_channels import StreamChannels

SMALL_NBYTES = 4096
JOINED_CHUNKS = 256
LARGEST_BLOCK_NBYTES = 2**23
"""A block of more bytes is published in several."""
MOST_GAPS = 1000
"""That are told one by one."""


class StreamFeed:
    """Takes chunks out of an input and puts the points of its channels aside for the next flush of a scan.

    ``points`` is the index of the next sample. A gap of the index stays a gap; so does what the stream lost:
    ``gaps`` are the first of them, ``missing`` samples lack in all.
    """

    def __init__(self, source: InputStream, channels: StreamChannels, device: str) -> None:
        self.source = source
        self.channels = channels
        self.device = device
        self.lost_before = source.lost
        self.points = 0
        self.gaps: list[tuple[int, int]] = []
        self.missing = 0
        self.pending_nbytes = 0
        self.last: dict[str, float] = {}
        self._pieces: list[tuple[int, list[NDArray[Any]]]] = []
        self._small_chunks = 0
        self._received = 0
        self._digest = hashlib.sha256()

    @property
    def name(self) -> str:
        return self.channels.name

    @property
    def sha256(self) -> str:
        """Of the bytes of all samples so far, one behind the other."""
        return self._digest.hexdigest()

    def fullname(self, channel: str) -> str:
        return f"{self.device}:{channel}"

    @property
    def lost(self) -> int:
        """Samples that were sent in this scan and did not come."""
        return self.source.lost - self.lost_before

    def has(self, count: int) -> bool:
        """Whether so many samples have come, or are known to be lost."""
        return max(self.points, self._received + self.lost) >= count

    def prepare(self, scan: ScanPublisher) -> None:
        """A camera says where it saves; what waits from before the scan is forgotten."""
        self.source.empty_queue()
        self.lost_before = self.source.lost
        if self.channels.saving is not None:
            self._camera(scan).prepare(self.channels.saving)

    def receive(self, most_nbytes: int) -> int:
        """Take what waits, until that many bytes are there; the number of chunks. Raises StreamWentBack."""
        count = 0
        while self.pending_nbytes < most_nbytes and self.source.poll(0):
            try:
                index, chunk = self.source.recv(return_data=True)
            except OverrunError:
                continue
            count += 1
            assert chunk is not None
            if len(chunk):
                self._take(index - len(chunk), chunk)
        return count

    def publish(self, scan: ScanPublisher) -> int:
        """Put aside what was received; the number of entries that each channel gets. They go out when the
        scan is flushed. After an error the next call puts aside what is left."""
        entries = 0
        for start, chunks in self._pieces:
            points = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
            if self.channels.saving is not None:
                self._camera(scan).publish_status(start + len(points))
                entries += 1
            else:
                entries += self._publish_points(scan, start, points)
        self._pieces.clear()
        self.pending_nbytes = 0
        return entries

    def _take(self, start: int, chunk: NDArray[Any]) -> None:
        if start < self.points:
            raise StreamWentBack(self.name, start, self.points)
        if start > self.points:
            self._miss(self.points, start)
        if start > self.points or not self._pieces:
            self._pieces.append((start, []))
            self._small_chunks = 0
        self._pieces[-1][1].append(chunk)
        self._join_small(chunk)
        self.points = start + len(chunk)
        self.pending_nbytes += chunk.nbytes
        self._received += len(chunk)
        self._digest.update(np.ascontiguousarray(chunk).reshape(-1).view(np.uint8).data)

    def _miss(self, start: int, stop: int) -> None:
        self.missing += stop - start
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append((start, stop))

    def _join_small(self, chunk: NDArray[Any]) -> None:
        """An array of one number takes the memory of thirty, or more."""
        self._small_chunks = self._small_chunks + 1 if chunk.nbytes <= SMALL_NBYTES else 0
        if self._small_chunks == JOINED_CHUNKS:
            chunks = self._pieces[-1][1]
            chunks[-JOINED_CHUNKS:] = [np.concatenate(chunks[-JOINED_CHUNKS:])]
            self._small_chunks = 0

    def _camera(self, scan: ScanPublisher) -> CameraPublisher:
        (name,) = self.channels.names
        return scan.camera(self.fullname(name))

    def _publish_points(self, scan: ScanPublisher, start: int, points: NDArray[Any]) -> int:
        step = max(1, LARGEST_BLOCK_NBYTES * len(points) // max(1, points.nbytes))
        for name, values in zip(self.channels.names, self.channels.points_of(points), strict=True):
            channel = scan[self.fullname(name)]
            channel.points = max(start, channel.points)
            for first in range(channel.points - start, len(values), step):
                channel.publish(values[first : first + step])
            if values.ndim == 1 and values.dtype.kind in "biuf":
                self.last[name] = float(values[-1])
        return -(-len(points) // step)
