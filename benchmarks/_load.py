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

import numpy as np
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
        channels: int = 100,
        points: int = 2000,
        wait_for_writer: Callable[[str, str], None] | None = None,
    ) -> None:
        publisher = SessionPublisher(client, session, stream_max_entries=None)
        dataset = publisher.dataset(directory, "hg123", "load")
        self.scan: ScanPublisher = dataset.scan(ScanSpec("loopscan", (_chain(channels),), npoints=points))
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

    def end(self, exception: str = "") -> None:
        self.scan.end(exception)

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


def _chain(channels: int) -> DeviceSpec:
    counters = channels - 2
    if counters < 1:
        raise ValueError("a load of fewer than 3 channels: the timer has two already")
    devices = [
        DeviceSpec(
            f"ctl{first // CHANNELS_PER_DEVICE}",
            tuple(
                sampling(f"counter{n}", "V") for n in range(first, min(first + CHANNELS_PER_DEVICE, counters))
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
