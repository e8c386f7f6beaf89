"""Recordings of what a beamline wrote to Redis, sent to Redis again as if the beamline were live.

A recording is a gzipped file with one JSON object a line: ``seq``, ``t`` (seconds of the epoch), ``db`` and
``args``, the write command; an argument is text, or ``{"b64": ...}``. It is taken from the replication
stream, so it shows what commands became there. A replay makes them again what they were:

* entries of ``_children_list``, ``_prepared`` and ``_end`` get new ids, because readers subscribe from now
  on; those of ``_data`` keep theirs, which are the indices of points;
* PEXPIREAT becomes a PEXPIRE of the same relative time, an exact trim the usual ``MAXLEN ~ 2048``;
* an empty stream is created only where there is none, so several recordings fit into one server;
* the private streams of the reader that ran at the time (their keys are bare uuids) are left out.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import redis

from nexus_writer.data.errors import BadRecording

STREAM_MAX_ENTRIES = 2048
CREATE_EMPTY_STREAM = (
    "if redis.call('EXISTS', KEYS[1]) == 0 then "
    "redis.call('XADD', KEYS[1], '0-1', 'key', 'value') redis.call('XDEL', KEYS[1], '0-1') end"
)
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME_ID_STREAMS = (b"_children_list", b"_prepared", b"_end")
_OWN_KEYS = (b"", b"_info", *_TIME_ID_STREAMS)

WaitForWriter = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One write command as it was recorded; ``time_s`` counts from the epoch."""

    time_s: float
    args: tuple[bytes, ...]

    @property
    def name(self) -> bytes:
        return self.args[0]

    @property
    def key(self) -> bytes:
        return self.args[1] if len(self.args) > 1 else b""


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """A scan in a recording: its key (db_name), its name, and the epoch seconds when it was announced."""

    key: str
    name: str
    time_s: float


class Recording:
    """The commands of one ``timeline.jsonl.gz``; ``path`` is the file, or the folder that holds it."""

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.path = path / "timeline.jsonl.gz" if path.is_dir() else path
        self.cut = False

    cut: bool
    """Whether the end is missing, of a recorder that was killed; known when the transactions are."""

    @cached_property
    def transactions(self) -> tuple[tuple[Command, ...], ...]:
        """All commands in order, those between MULTI and EXEC together; MULTI and EXEC are left out."""
        found: list[tuple[Command, ...]] = []
        open_: list[Command] | None = None
        for command in self._commands():
            if command.name == b"MULTI":
                open_ = []
            elif command.name == b"EXEC":
                if open_:
                    found.append(tuple(open_))
                open_ = None
            elif not _UUID.fullmatch(command.key):
                if open_ is None:
                    found.append((command,))
                else:
                    open_.append(command)
        return tuple(found)

    @cached_property
    def scans(self) -> tuple[RecordedScan, ...]:
        """Scans and groups of scans, in the order in which they were announced."""
        types: dict[bytes, dict[bytes, bytes]] = {}
        found: dict[bytes, RecordedScan] = {}
        for command in (one for transaction in self.transactions for one in transaction):
            if command.name == b"HSET" and b"node_type" in command.args:
                types[command.key] = dict(zip(command.args[2::2], command.args[3::2], strict=True))
            child = new_node(command)
            if child is not None and types[child][b"node_type"] in (b"scan", b"scan_group"):
                name = types[child][b"name"].decode()
                found.setdefault(child, RecordedScan(child.decode(), name, command.time_s))
        return tuple(found.values())

    @property
    def session(self) -> str:
        """Name of the session that was recorded; "" when nothing was."""
        return "" if not self.transactions else self.transactions[0][0].key.decode()

    def _commands(self) -> Iterator[Command]:
        try:
            with gzip.open(self.path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    record = json.loads(line)
                    yield Command(float(record["t"]), tuple(_as_bytes(arg) for arg in record["args"]))
        except EOFError:
            self.cut = True
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
            why = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise BadRecording(self.path, why) from None


def new_node(command: Command) -> bytes | None:
    """The key that a NEW_NODE event announces; None when the command is not one."""
    if command.name != b"XADD" or b"NEW_NODE" not in command.args:
        return None
    return command.args[command.args.index(b"db_name") + 1]


@dataclass(frozen=True, slots=True)
class Step:
    """What a replay sends at once, ``time_s`` after the recording's start: ``commands`` as they go out."""

    time_s: float
    recorded: tuple[Command, ...]
    commands: tuple[tuple[bytes | str | int, ...], ...]

    def send(self, client: redis.Redis) -> None:
        """Several commands go as one transaction, as they were recorded."""
        if len(self.commands) == 1:
            client.execute_command(*self.commands[0])  # type: ignore[no-untyped-call]
            return
        with client.pipeline(transaction=True) as pipeline:
            for command in self.commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            pipeline.execute()


def replay_steps(recording: Recording, *, only: Collection[str] | None = None) -> Iterator[Step]:
    """What ``replay`` sends, to be sent by the caller: in its own time, and only as far as it likes.

    ``only`` names the scans to replay; what is above the scans always is.
    """
    left_out = [scan.key.encode() for scan in recording.scans if only is not None and scan.name not in only]
    start_s = recording.transactions[0][0].time_s if recording.transactions else 0.0
    for transaction in recording.transactions:
        recorded = tuple(one for one in transaction if not any(_belongs(one, key) for key in left_out))
        commands = tuple(live for one in recorded if (live := _as_live(one)) is not None)
        if commands:
            yield Step(recorded[0].time_s - start_s, recorded, commands)


def replay(
    recording: Recording,
    client: redis.Redis,
    *,
    speed: float = 0.0,
    only: Collection[str] | None = None,
    wait_for_writer: WaitForWriter | None = None,
) -> None:
    """Send a whole recording.

    ``speed`` 1 takes as long as the recording did, 2 half of it, 0 no longer than it must.
    ``wait_for_writer(name, key)`` is called when a scan has been announced, and nothing more is sent before
    it returns: BLISS waits for its writer there. ``only`` names the scans to replay.
    """
    names = {scan.key.encode(): scan.name for scan in recording.scans}
    started_s = time.monotonic()
    for step in replay_steps(recording, only=only):
        if speed > 0:
            time.sleep(max(0.0, started_s + step.time_s / speed - time.monotonic()))
        step.send(client)
        if wait_for_writer is None:
            continue
        for command in step.recorded:
            key = new_node(command)
            if key in names:
                wait_for_writer(names[key], key.decode())


def _as_bytes(arg: str | dict[str, str]) -> bytes:
    return arg.encode() if isinstance(arg, str) else base64.b64decode(arg["b64"])


def _belongs(command: Command, scan: bytes) -> bool:
    """Whether a command writes to a scan, or announces it."""
    own = {scan + suffix for suffix in _OWN_KEYS}
    return command.key in own or command.key.startswith(scan + b":") or new_node(command) == scan


def _as_live(command: Command) -> tuple[bytes | str | int, ...] | None:
    """The command that a live beamline would send; None when another one does it too."""
    args = command.args
    if command.name == b"PEXPIREAT":
        return (b"PEXPIRE", command.key, max(1, round(int(args[2]) - command.time_s * 1000)))
    if command.name == b"XDEL" and args[2] == b"0-1":
        return None
    if command.name != b"XADD":
        return args
    if args[2] == b"0-1":
        return (b"EVAL", CREATE_EMPTY_STREAM, 1, command.key)
    if args[2] == b"MAXLEN":
        return (*args[:3], b"~", STREAM_MAX_ENTRIES, *args[5:])
    if command.key.endswith(_TIME_ID_STREAMS):
        return (*args[:2], b"*", *args[3:])
    return args
