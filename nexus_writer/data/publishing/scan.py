"""One scan, published step by step as BLISS does.

with dataset.scan(spec) as scan:              # the scan's node: writers start here
    wait_until_the_writer_knows(scan.key)
    scan.prepare()                            # devices, channels, PREPARED_SCAN
    scan["diodes:diode1"].publish(12.0)
    scan.flush()                              # whatever is pending, in one transaction
                                              # END_SCAN, with the class of an exception
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from redis.client import Pipeline

from nexus_writer.data import keys
from nexus_writer.data.pickles import dumps

from .chain import DeviceSpec, PlacedDevice, placed
from .channel import ChannelPublisher
from .errors import NoSuchChannel, ScanHasEnded
from .lima import CameraPublisher
from .nodes import DEVICE_TYPE, Fields, NodePublisher, scan_keys

STREAM_MAX_ENTRIES = 2048
DATA_TTL_S = 600
NODE_TTL_S = 86400
ABORTED = "<class 'bliss.scanning.scan.ScanAbort'>"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a motor stands: user position, dial position (the same unless given), unit."""

    user: float
    dial: float | None = None
    unit: str | None = None


Positions = Callable[[], Mapping[str, Position]]


@dataclass(frozen=True, slots=True)
class ScanSpec:
    """What is known of a scan before it starts.

    ``npoints`` 0 is unknown. ``fields`` are further fields of the scan info (start, stop, npoints1, data_dim,
    plots ...), ``categories`` metadata that goes into the file, by category. ``positions`` is asked at the
    start and at the end of the scan. ``node_type`` is "scan_group" for a sequence (see ``sequence_spec``).
    """

    type: str
    chain: tuple[DeviceSpec, ...]
    title: str = ""
    npoints: int = 0
    count_time_s: float | None = None
    save: bool = True
    data_writer: str = "nexus"
    fields: Mapping[str, Any] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    positions: Positions = dict
    node_type: str = "scan"


class ScanPublisher:
    """A scan that is being published; made by a dataset's ``scan``. Used by one thread at a time.

    ``info`` holds the scan info. What is changed there goes out with ``prepare`` and with ``end``.
    """

    def __init__(
        self,
        nodes: NodePublisher,
        key: str,
        parent: str,
        spec: ScanSpec,
        info: dict[str, Any],
        *,
        stream_max_entries: int | None = STREAM_MAX_ENTRIES,
        keep_nodes: bool = True,
    ) -> None:
        self.key = key
        self.name = key.rpartition(":")[2]
        self.spec = spec
        self.info = info
        self.channels: dict[str, ChannelPublisher] = {}
        self._nodes = nodes
        self._parent = parent
        self._devices = placed(spec.chain)
        self._stream_max_entries = stream_max_entries
        self._keep_nodes = keep_nodes
        self._pending: list[tuple[Any, ...]] = []
        self._keys_below: dict[bytes, None] = {}
        self._cameras: dict[str, CameraPublisher] = {}
        self._is_ending = False
        self._ended = False

    def __getitem__(self, fullname: str) -> ChannelPublisher:
        """The channel of a full name, "device:channel". Raises NoSuchChannel, of all before ``prepare``."""
        if fullname not in self.channels:
            raise NoSuchChannel(self.name, fullname, list(self.channels))
        return self.channels[fullname]

    def camera(self, fullname: str) -> CameraPublisher:
        """The camera whose frames are the channel of that name; always the same one. Raises NoSuchChannel."""
        if fullname not in self._cameras:
            channel = self[fullname]
            camera = CameraPublisher(self._nodes, channel.key, channel.spec, self._pending)
            self._cameras[fullname] = camera
            self._keys_below.update(dict.fromkeys(camera.extra_keys))
        return self._cameras[fullname]

    @property
    def filename(self) -> str:
        return str(self.info["filename"])

    def announce(self) -> None:
        """Create the scan's node and tell the world; a writer that listens starts here."""
        self._nodes.create(self.key, self.spec.node_type, parent=self._parent, info=self.info)
        self._nodes.announce(self.key, self._parent)
        self.info["node_name"] = self.key
        self._set_state("PREPARING")

    def publish_devices(self) -> None:
        """Create the nodes of all devices and channels, then announce them level by level."""
        with self._transaction() as pipeline:
            for device in self._devices:
                self._create_device(device, pipeline)
        for level in range(1, 1 + max((len(device.path) for device in self._devices), default=0)):
            devices = [device for device in self._devices if len(device.path) == level]
            with self._transaction() as pipeline:
                for device in devices:
                    key = self._key_of(device)
                    self._nodes.announce(key, key.rpartition(":")[0], pipeline)
            with self._transaction() as pipeline:
                for device in devices:
                    parent = self._key_of(device)
                    for channel in device.spec.channels:
                        self._nodes.announce(f"{parent}:{channel.name}", parent, pipeline)

    def prepare(self) -> None:
        """Publish devices and channels, unless that is done, and PREPARED_SCAN: data may come."""
        if not self.channels:
            self.publish_devices()
        with self._transaction() as pipeline:
            self._nodes.rewrite_info(self.key, self.info, pipeline)
            self._add_event(pipeline, keys.prepared(self.key), "PREPARED_SCAN", time.time())
        self.info = {field: value for field, value in self.info.items() if value is not None}
        self._set_state("STARTING")

    def flush(self) -> None:
        """Send all points that are pending, of all channels, in one transaction.

        Raises ScanHasEnded for points that were published after the end: nobody would read them.
        """
        if not self._pending:
            return
        if self._ended:
            raise ScanHasEnded(self.name)
        limit = () if self._stream_max_entries is None else ("MAXLEN", "~", self._stream_max_entries)
        with self._transaction() as pipeline:
            for stream, entry_id, *fields in self._pending:
                pipeline.execute_command("XADD", stream, *limit, entry_id, *fields)  # type: ignore[no-untyped-call]
        self._pending.clear()

    def forget_sent(self) -> None:
        """After a ``flush`` that was not answered: forget what Redis has of it; the next sends the rest."""
        streams = list(dict.fromkeys(stream for stream, *_ in self._pending))
        with self._nodes.client.pipeline(transaction=False) as pipeline:
            for stream in streams:
                pipeline.xrevrange(stream, count=1)
            last = [int(found[0][0].partition(b"-")[0]) if found else 0 for found in pipeline.execute()]
        there = dict(zip(streams, last, strict=True))
        self._pending[:] = [event for event in self._pending if event[1] > there[event[0]]]

    def drop_pending(self) -> int:
        """Forget all points that are pending; the number of events that will be missing."""
        count = len(self._pending)
        self._pending.clear()
        return count

    def update_info(self, **fields: Any) -> None:
        """Change fields of the scan info now, while the scan runs."""
        self.info.update(fields)
        self._nodes.update_info(self.key, fields)

    def comment(self, message: str) -> None:
        """Add a comment to the scan."""
        comments = [*self.info.get("comments", []), {"timestamp": time.time(), "message": message}]
        self.update_info(comments=comments)

    def end(self, exception: str = "", state: str = "") -> None:
        """Send what is pending, the final info and END_SCAN, let the data expire, set the final state.

        ``exception`` is "" or the text of an exception's class; ``state`` is DONE or KILLED after it unless
        it is given (USER_ABORTED). Later calls do nothing; but after an error it may be called again, and
        END_SCAN is there once.
        """
        if self._ended:
            return
        is_second, self._is_ending = self._is_ending, True
        if self.info["state"] not in ("PREPARING", "STOPPING"):
            self._set_state("STOPPING")
        self.flush()
        self._take_positions("end")
        now_s = time.time()
        self.info.update(time_fields("end", now_s))
        with self._transaction() as pipeline:
            self._nodes.rewrite_info(self.key, self.info, pipeline)
            if not (is_second and self._nodes.client.xlen(keys.end(self.key))):
                self._add_event(pipeline, keys.end(self.key), "END_SCAN", now_s, exception)
        self._expire()
        self._set_state(state or ("KILLED" if exception else "DONE"))
        self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end()
        elif issubclass(kind, KeyboardInterrupt):
            self.end(ABORTED, "USER_ABORTED")
        else:
            self.end(str(kind))

    def _key_of(self, device: PlacedDevice) -> str:
        return ":".join((self.key, *device.path))

    def _create_device(self, device: PlacedDevice, pipeline: Pipeline) -> None:
        key = self._key_of(device)
        parent = key.rpartition(":")[0]
        created = list(self._nodes.create(key, DEVICE_TYPE, parent=parent, pipeline=pipeline))
        for spec in device.spec.channels:
            fullname = device.fullname(spec)
            channel = ChannelPublisher(f"{key}:{spec.name}", fullname, spec, self._pending)
            if fullname in self.channels:
                raise ValueError(f"{self.name} has two channels {fullname}: rename one of them or its device")
            self.channels[fullname] = channel
            created += self._nodes.create(
                channel.key, spec.node_type, parent=key, name=fullname, info=channel.info, pipeline=pipeline
            )
        self._keys_below.update(dict.fromkeys(created))

    def _take_positions(self, when: str) -> None:
        if "positioners" in self.info:
            self.info["positioners"].update(positions_info(self.spec.positions(), when))

    def _set_state(self, state: str) -> None:
        self.update_info(state=state)

    def _add_event(
        self, pipeline: Pipeline, stream: bytes, name: str, time_s: float, exception: str | None = None
    ) -> None:
        fields: Fields = {keys.EVENT_FIELD: name, keys.TIME_FIELD: dumps(time_s)}
        fields[keys.STRTIME_FIELD] = strtime(time_s)
        if exception is not None:
            fields[keys.EXCEPTION_FIELD] = dumps(exception)
        pipeline.xadd(stream, fields)

    def _expire(self) -> None:
        """Data go soon; the scan and what is above it only when nothing else keeps them."""
        with self._transaction() as pipeline:
            for key in self._keys_below:
                pipeline.expire(key, DATA_TTL_S)
        if self._keep_nodes:
            return
        parents = self._parent.split(":")
        above = [":".join(parents[: depth + 1]) for depth in range(len(parents))]
        with self._transaction() as pipeline:
            for key in scan_keys(self.key):
                pipeline.expire(key, NODE_TTL_S)
            for node in above:
                for key in (keys.to_bytes(node), keys.children_list(node)):
                    pipeline.expire(key, NODE_TTL_S)

    @contextmanager
    def _transaction(self) -> Iterator[Pipeline]:
        with self._nodes.client.pipeline(transaction=True) as pipeline:
            yield pipeline
            pipeline.execute()


def time_fields(when: str, time_s: float) -> dict[str, Any]:
    """The three fields that a scan info has for its start, and again for its end."""
    moment = datetime.fromtimestamp(time_s)
    return {f"{when}_time": moment, f"{when}_time_str": strtime(time_s), f"{when}_timestamp": time_s}


def positions_info(positions: Mapping[str, Position], when: str) -> dict[str, Any]:
    """The snapshots of all motors that a scan info has for its start, or for its end."""
    info: dict[str, Any] = {
        f"positioners_{when}": {name: one.user for name, one in positions.items()},
        f"positioners_dial_{when}": {
            name: one.user if one.dial is None else one.dial for name, one in positions.items()
        },
    }
    if when == "start":
        info["positioners_units"] = {name: one.unit for name, one in positions.items()}
    return info


def strtime(time_s: float) -> str:
    """Local time as BLISS writes it, "Fri Nov 20 06:32:37 2026"."""
    return time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(time_s))
