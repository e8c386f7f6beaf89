"""The node whose inputs become scans in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import redis

from nexus_writer.acquisition.errors import StreamError
from nexus_writer.acquisition.input_stream import InputStream
from nexus_writer.acquisition.nodes import Node
from nexus_writer.data.connection import connect
from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, SessionPublisher
from nexus_writer.data.publishing.scan import STREAM_MAX_ENTRIES

from .errors import PublishingFailed
from .lag_guard import LagGuard
from .running_scan import End, Pace, RunningScan
from .stream_channels import StreamChannels
from .stream_feed import StreamFeed
from .stream_scan import StreamScan

__all__ = ["RedisPublisher"]


class RedisPublisher(Node):
    """Each time that it runs it publishes one scan, of everything that its inputs receive meanwhile.

    Start it before the nodes that send, and stop it after them. The index of a sample is the index of its
    point: what an index leaves out, or a stream loses, is missing in the file too.
    """

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self._session_name = ""
        self._scan = StreamScan()
        self._pace = Pace()
        self._client: redis.Redis | None = None
        self._dataset: DatasetPublisher | None = None
        self._place_in_redis: tuple[dict[str, Any], str] | None = None
        self._closes_dataset = False
        self._running_scan: RunningScan | None = None
        self._end = End()

    def _configure(
        self,
        streams: Sequence[str],
        session: str,
        directory: Path | str,
        redis_url: str | None = None,
        beacon: str | None = None,
        proposal: str = "hg123",
        collection: str = "sample",
        dataset: str = "0001",
        beamline: str = "id00",
        stream_max_entries: int = STREAM_MAX_ENTRIES,
        close_dataset: bool = True,
        metadata: dict[str, Any] | None = None,
        scan: StreamScan | None = None,
        pace: Pace | None = None,
    ) -> None:
        """``streams`` are the names of its inputs: devices of the scan. Files go below ``directory``.

        With the node the dataset is closed, unless others go on with it: its scans expire a day later.
        """
        self._session_name = session
        self._address: dict[str, Any] = {"url": redis_url, "beacon": beacon}
        self._place: dict[str, Any] = {"base_path": directory, "proposal": proposal}
        self._place |= {"collection": collection, "dataset": dataset, "metadata": metadata}
        self._close_dataset = close_dataset
        self._beamline, self._stream_max_entries = beamline, stream_max_entries
        for name in streams:
            if name not in self.inputs:
                self.inputs[name] = InputStream(node=self, name=name)
        for name in set(self.inputs) - set(streams):
            self.inputs.pop(name).close()
        self._scan, self._pace = scan or self._scan, pace or self._pace

    def check_input_specs(self) -> None:
        for name, stream in self.inputs.items():
            if not stream.connected:
                raise StreamError(f"input {name} is not connected: connect it to an output first")
            StreamChannels(name, stream.params)

    def _initialize(self) -> None:
        """A dataset that was open is closed, unless it is this one."""
        client = connect(**self._address)
        try:
            session = SessionPublisher(
                client,
                self._session_name,
                beamline=self._beamline,
                stream_max_entries=self._stream_max_entries,
            )
            dataset = session.dataset(**self._place)
        except BaseException:
            client.close()
            raise
        goes_on = self._place_in_redis == (self._address, dataset.key)
        self._disconnect(close_dataset=self._closes_dataset and not goes_on)
        self._client, self._dataset = client, dataset
        self._place_in_redis, self._closes_dataset = (self._address, dataset.key), self._close_dataset

    def describe(self, scan: StreamScan) -> None:
        """What the next scan is."""
        self._scan = scan

    def end_with(self, end: End) -> None:
        """How the running scan is to end when the node is stopped; by itself it ends with SUCCESS."""
        self._end = end

    @property
    def scan(self) -> ScanPublisher | None:
        """The scan that runs, or the last one."""
        return self._running_scan.scan if self._running_scan else None

    @property
    def scan_key(self) -> str:
        """Of the scan that runs, or the last one; "" before the first. Also by a proxy."""
        return self._running_scan.scan.key if self._running_scan else ""

    @property
    def report(self) -> dict[str, dict[str, Any]]:
        """Of each stream of the scan that runs, or the last: its ``device``, ``samples`` with those that are
        ``missing``, the first 1000 ``gaps`` that these leave, what was ``lost`` on the way, the ``sha256`` of
        the bytes that came."""
        feeds = self._running_scan.feeds if self._running_scan else ()
        return {
            feed.name: {
                "device": feed.device,
                "samples": feed.points,
                "gaps": list(feed.gaps),
                "missing": feed.missing,
                "lost": feed.lost,
                "sha256": feed.sha256,
            }
            for feed in feeds
        }

    def channels_of(self, stream: str) -> StreamChannels:
        """What the scan that runs, or the last one, makes of a stream. KeyError for another name."""
        feeds = self._running_scan.feeds if self._running_scan else ()
        return {feed.name: feed.channels for feed in feeds}[stream]

    def held(self) -> bool:
        """Whether points are kept back now, because writers are far behind."""
        return self._running_scan is not None and self._running_scan.holds

    def _start(self) -> None:
        assert self._dataset is not None and self._client is not None
        self._end = End()
        told, device_of = self._scan.channels, self._scan.device_of
        feeds = [
            StreamFeed(stream, StreamChannels(name, stream.params, told.get(name)), device_of(name))
            for name, stream in self.inputs.items()
        ]
        spec = self._scan.spec(
            [feed.channels for feed in feeds], lambda: {k: v for feed in feeds for k, v in feed.last.items()}
        )
        scan = self._dataset.scan(spec)
        try:
            scan.prepare()
            for feed in feeds:
                feed.prepare(scan)
        except BaseException as error:
            scan.end(str(type(error)))
            raise
        guard = LagGuard(self._client, self._session_name, scan.key, self._stream_max_entries)
        failed = partial(self._failed, scan)
        self._running_scan = RunningScan(scan, feeds, guard if spec.save else None, self._pace, failed)

    def _stop(self) -> None:
        assert self._running_scan is not None
        self._running_scan.end(self._end)

    def _close(self) -> None:
        self._disconnect(close_dataset=self._closes_dataset)

    def _failed(self, scan: ScanPublisher, error: Exception) -> None:
        failure = PublishingFailed(scan.name, error)
        failure.__cause__ = error
        self._fail(failure)

    def _disconnect(self, close_dataset: bool) -> None:
        if self._dataset is not None and close_dataset:
            try:
                self._dataset.close()
            except (redis.RedisError, OSError) as error:
                self.logger.warning("the dataset stays open in Redis: %s", error)
        if self._client is not None:
            self._client.close()
        self._dataset = self._client = self._place_in_redis = None
