"""Traffic for benchmarks: scans of many channels with one point an event, as fast as Redis takes them.

What arrives in Redis is byte for byte what BLISS sends: the same pickles, the same fields, transactions that
hold several points of all channels. The publisher prepares everything that does not change from point to
point, so that it costs far less than any reader.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import redis

from nexus_writer.data import keys
from nexus_writer.data.pickles import dumps
from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    sampling,
    timer,
)

CHANNELS_PER_DEVICE = 10
POINTS_PER_TRANSACTION = 10


class LoadScan:
    """A scan of ``channels`` scalar float64 channels (those of its timer included), named and saved as usual.

    Redis keeps all of its events. The scan is announced and prepared when this returns;
    ``wait_for_writer(name, key)`` is called in between.
    """

    def __init__(
        self,
        client: redis.Redis,
        directory: Path | str,
        *,
        session: str = "load",
        dataset: str = "0001",
        channels: int = 100,
        points: int = 2000,
        wait_for_writer: Callable[[str, str], None] | None = None,
    ) -> None:
        publisher = SessionPublisher(client, session, stream_max_entries=None)
        place = publisher.dataset(directory, "hg123", "load", dataset)
        self.scan: ScanPublisher = place.scan(ScanSpec("loopscan", (_chain(channels),), npoints=points))
        if wait_for_writer is not None:
            wait_for_writer(self.scan.name, self.scan.key)
        self.scan.prepare()
        self.published = 0
        self._client = client
        self._parts = [_parts_of(channel.key, channel.spec) for channel in self.scan.channels.values()]

    @property
    def key(self) -> str:
        return self.scan.key

    @property
    def events(self) -> int:
        """Number of channel events that were published."""
        return self.published * len(self._parts)

    def value(self, channel: int, point: int) -> float:
        """What is published of a channel, counted in the order of ``scan.channels``."""
        return channel * 1.0e6 + point

    def publish(self, points: int, *, rate_hz: float = 0.0) -> None:
        """The next points of every channel; with ``rate_hz`` so many of each channel in a second."""
        connection = self._client.connection_pool.get_connection()
        started_s = time.monotonic()
        try:
            for done, (command, replies) in enumerate(self._transactions(points)):
                if rate_hz > 0:
                    due_s = started_s + done * POINTS_PER_TRANSACTION / rate_hz
                    time.sleep(max(0.0, due_s - time.monotonic()))
                connection.send_packed_command([command])  # type: ignore[no-untyped-call]
                for _ in range(replies):
                    connection.read_response()
        finally:
            self._client.connection_pool.release(connection)

    def publish_blocks(self, blocks: int, points_per_block: int) -> None:
        """The next points of every channel, many in an event."""
        for _ in range(blocks):
            first, self.published = self.published, self.published + points_per_block
            for number, channel in enumerate(self.scan.channels.values()):
                channel.points = first
                channel.publish(self.value(number, first) + np.arange(points_per_block))
            self.scan.flush()

    def end(self, exception: str = "") -> None:
        self.scan.end(exception)

    def forget(self) -> None:
        """Have Redis forget the scan, as it does by itself some time after its end."""
        nodes = {self.key}
        for channel in self.scan.channels.values():
            parts = channel.key.removeprefix(self.key).split(":")
            nodes.update(self.key + ":".join(parts[:number]) for number in range(1, len(parts) + 1))
        makers = (keys.to_bytes, keys.info, keys.children_list, keys.data, keys.prepared, keys.end)
        self._client.unlink(*(make(node) for node in nodes for make in makers))

    def expected(self, channel: int) -> npt.NDArray[np.float64]:
        """All that was published of a channel."""
        return self.value(channel, 0) + np.arange(self.published)

    def _transactions(self, points: int) -> Iterator[tuple[bytes, int]]:
        """Packed transactions, each with the number of its replies."""
        last = self.published + points
        while self.published < last:
            chunk = range(self.published, min(self.published + POINTS_PER_TRANSACTION, last))
            packed = [b"*1\r\n$5\r\nMULTI\r\n"]
            for point in chunk:
                entry_id = _bulk(b"%d" % (point + 1))
                for number, (head, middle, tail) in enumerate(self._parts):
                    packed += (head, entry_id, middle, struct.pack("<d", self.value(number, point)), tail)
            packed.append(b"*1\r\n$4\r\nEXEC\r\n")
            self.published = chunk.stop
            yield b"".join(packed), len(chunk) * len(self._parts) + 2


class BlockScan:
    """A scan of ``channels`` channels of points of any shape, several points in each event.

    Channels count in the order of ``scan.channels``; the first two are the timer's, of scalars. The value of
    a channel's point is a number, the same in all of its elements.
    """

    def __init__(
        self,
        client: redis.Redis,
        directory: Path | str,
        *,
        session: str = "load",
        channels: int = 100,
        points: int = 6400,
        shape: tuple[int, ...] = (),
        dtype: npt.DTypeLike = np.float64,
        points_per_event: int = 64,
        compression: str = "",
    ) -> None:
        """``compression`` is the session's scheme; "": it chooses none."""
        publisher = SessionPublisher(client, session, stream_max_entries=None)
        chain = (_chain(channels, shape=shape, dtype=np.dtype(dtype)),)
        dataset = publisher.dataset(directory, "hg123", "load")
        if compression:
            dataset.writer_options["chunk_options"] = {"compression_scheme": compression}
        self.scan = dataset.scan(ScanSpec("loopscan", chain, npoints=points))
        self.scan.prepare()
        self.published = 0
        self._points_per_event = points_per_event

    @property
    def events(self) -> int:
        """Number of channel events that were published."""
        return self.published // self._points_per_event * len(self.scan.channels)

    def publish(self, points: int) -> None:
        """The next points of every channel, a whole number of events."""
        for first in range(self.published, self.published + points, self._points_per_event):
            self.published = first + self._points_per_event
            for number, channel in enumerate(self.scan.channels.values()):
                channel.publish(self._values(number, first, self.published))
            self.scan.flush()

    def end(self, exception: str = "") -> None:
        self.scan.end(exception)

    def expected(self, channel: int) -> npt.NDArray[Any]:
        """All that was published of a channel."""
        return self._values(channel, 0, self.published)

    def _values(self, channel: int, first: int, last: int) -> npt.NDArray[Any]:
        spec = list(self.scan.channels.values())[channel].spec
        numbers = (np.arange(first, last) + 1000 * channel) % 60_000
        column = numbers.reshape(-1, *(1 for _ in spec.shape)).astype(spec.dtype)
        return np.broadcast_to(column, (last - first, *spec.shape)).copy()


def publish_backlog(
    client: redis.Redis,
    directory: Path | str,
    *,
    session: str = "load",
    channels: int = 100,
    points: int = 2000,
    wait_for_writer: Callable[[str, str], None] | None = None,
) -> LoadScan:
    """A complete scan, at once: channels x points events, all of which Redis keeps, and its end."""
    load = LoadScan(
        client, directory, session=session, channels=channels, points=points, wait_for_writer=wait_for_writer
    )
    load.publish(points)
    load.end()
    return load


def _chain(channels: int, **points: Any) -> DeviceSpec:
    counters = channels - 2
    if counters < 1:
        raise ValueError("a load of fewer than 3 channels: the timer has two already")
    devices = [
        DeviceSpec(
            f"ctl{first // CHANNELS_PER_DEVICE}",
            tuple(
                sampling(f"counter{n}", "V", **points)
                for n in range(first, min(first + CHANNELS_PER_DEVICE, counters))
            ),
        )
        for first in range(0, counters, CHANNELS_PER_DEVICE)
    ]
    return timer(*devices)


def _parts_of(key: str, spec: ChannelSpec) -> tuple[bytes, bytes, bytes]:
    """An XADD of one point, packed: what comes before its id, between id and value, and behind the value."""
    marker = 1.2345678e-99
    description = {"reference": False, "dtype": spec.dtype, "shape": (), "unit": spec.unit}
    before, after = dumps(np.float64(marker)).split(struct.pack("<d", marker))
    fields = [keys.EVENT_FIELD, b"CHANNELDATA", keys.DESCRIPTION_FIELD, dumps(description)]
    fields += [keys.POINTS_FIELD, b"1", keys.VALUES_FIELD]
    head = b"*%d\r\n" % (4 + len(fields)) + _bulk(b"XADD") + _bulk(keys.data(key))
    length = b"$%d\r\n" % (len(before) + 8 + len(after))
    return head, b"".join(map(_bulk, fields)) + length + before, after + b"\r\n"


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)
