"""A scan of a simulated beamline, from the announcement to its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from nexus_writer.acquisition.dtypes import sample_nbytes
from nexus_writer.acquisition.errors import AcquisitionError
from nexus_writer.acquisition.publishing import End, Pace, Reason, RedisPublisher
from nexus_writer.data.publishing import ScanPublisher

from .makers import NodeMaker
from .plan import NodePlan, ScanPlan
from .sent import SentStream, sent_stream

__all__ = ["Outcome", "SimulatedScan"]

ALL_WITHIN_S = 30.0
MOST_QUEUED = 1000
QUEUED_NBYTES = 2**23
"""Of a stream, on either side."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scan went. ``streams`` is what its nodes say they sent, ``received`` what was published."""

    scan: ScanPublisher
    reason: Reason
    message: str
    seconds: float
    streams: Mapping[str, SentStream]
    received: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        return self.scan.name

    @property
    def points(self) -> int:
        """Of all channels that the nodes have sent."""
        return sum(one.points * len(one.channels) for one in self.streams.values())

    def fullname(self, stream: str, channel: str) -> str:
        """Of a channel, as the scan has it."""
        return f"{self.received[stream]['device']}:{channel}"

    @property
    def complete(self) -> bool:
        """Everything that was sent was published."""
        return all(self.received[name]["sha256"] == one.sha256 for name, one in self.streams.items())


class SimulatedScan:
    """Nodes and a publisher for one scan: ``begin``, ask ``done`` until it is True, ``end``, ``close``."""

    def __init__(self, plan: ScanPlan, maker: NodeMaker, publisher: Mapping[str, Any], pace: Pace) -> None:
        self._plan = plan
        self._closing = ExitStack()
        self._nodes: list[tuple[NodePlan, Any]] = []
        self._begun_s = 0.0
        self._failure = ""
        self.publisher = RedisPublisher("publisher")
        self._closing.callback(self._close_publisher)
        try:
            self._connect(maker, publisher, pace)
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Announce the scan, and let the nodes send. A node that cannot start fails the scan."""
        self._begun_s = time.monotonic()
        self.publisher.start()
        for plan, node in reversed(self._nodes):
            try:
                node.start()
            except (AcquisitionError, OSError) as error:
                self._failure = f"{plan.name}: {error}"
                return

    def done(self) -> bool:
        """All nodes have sent everything; or a node, or the publisher, has failed, which ``end`` tells."""
        if self._failure or not self.publisher.running():
            return True
        try:
            return all(node.wait(0) for _, node in self._nodes) or any(
                node.failure() is not None for _, node in self._nodes
            )
        except AcquisitionError:
            return True

    def end(self, reason: Reason = Reason.SUCCESS) -> Outcome:
        """Stop everything. A node that failed makes it a FAILURE, with its message."""
        stopping = self._stop_nodes()
        message = self._failure or stopping
        if message:
            reason = Reason.FAILURE
        streams = list(self._streams())
        counts = {stream: node.sent for stream, node, _ in streams}
        self.publisher.end_with(End(reason, message, counts, ALL_WITHIN_S))
        try:
            self.publisher.stop()
        except AcquisitionError as error:
            reason, message = Reason.FAILURE, str(error)
        scan = self.publisher.scan
        assert scan is not None
        seconds = time.monotonic() - self._begun_s
        channels_of = self.publisher.channels_of
        sent = {stream: sent_stream(node, output, channels_of(stream)) for stream, node, output in streams}
        return Outcome(scan, reason, message, seconds, sent, self.publisher.report)

    def close(self) -> None:
        """Nothing is left of it, whatever happened."""
        self._closing.close()

    def _connect(self, maker: NodeMaker, parameters: Mapping[str, Any], pace: Pace) -> None:
        names = [name for plan in self._plan.nodes for name in plan.streams.values()]
        self.publisher.configure(streams=names, scan=self._plan.scan, pace=pace, **parameters)
        for plan in self._plan.nodes:
            node = maker.make(plan.node_type, plan.name)
            self._closing.callback(maker.close, node)
            self._nodes.append((plan, node))
            node.configure(**plan.parameters)
            for output, stream in plan.streams.items():
                most = _most_queued(node.outputs[output].spec, node.block_points)
                node.outputs[output].configure(protocol="tcp", send_timeout_s=1.0, queue_chunks=most)
                self.publisher.inputs[stream].connect(node.outputs[output])
            node.initialize()
        self.publisher.initialize()

    def _close_publisher(self) -> None:
        try:
            if self.publisher.running():
                self.publisher.end_with(End(Reason.FAILURE, "the simulation was interrupted"))
                self.publisher.stop()
        finally:
            self.publisher.close()

    def _streams(self) -> Iterator[tuple[str, Any, str]]:
        """Name, node and output of each stream whose node can be asked: its process may have died."""
        for plan, node in self._nodes:
            with contextlib.suppress(AcquisitionError):
                node.state  # noqa: B018 - asks the process
                yield from ((stream, node, output) for output, stream in plan.streams.items())

    def _stop_nodes(self) -> str:
        """Why the first of them failed; "" when all is well."""
        why = ""
        for plan, node in self._nodes:
            try:
                if node.running() or node.failure() is not None:
                    node.stop()
            except Exception as error:
                why = why or f"{plan.name}: {error}"
        return why


def _most_queued(spec: Mapping[str, Any], block_points: int) -> int:
    """Chunks that wait between a node and the publisher."""
    chunk_nbytes = block_points * sample_nbytes(spec["dtype"], spec["shape"])
    return min(MOST_QUEUED, max(2, QUEUED_NBYTES // chunk_nbytes))
