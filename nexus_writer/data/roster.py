"""Who writes the scans of a session: its writers, what each says of its scans, and what became of them.

Each writer keeps a record that lives for ``RECORD_KEPT_S`` from when it said it last. How long ago that was
is told by what the record has left to live, so no two clocks are compared. All is JSON, nothing is trusted:
what cannot be read is passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis

from nexus_writer.data import own_keys
from nexus_writer.data.keys import to_bytes, to_text

RECORD_KEPT_S = 600
"""A writer that is gone is told of for so long."""
ALIVE_WITHIN_S = 3.0
"""A writer that said it longer ago is not at work."""
LATEST_S = 1e11
"""Of what is believed to be epoch seconds; people and calendars know no later ones."""
Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WriterRecord:
    """What a writer says of itself. ``since`` is in epoch seconds, ``device`` "" for one without Tango."""

    id: str
    host: str
    pid: int
    standby: bool
    device: str = ""
    version: str = ""
    since: float = 0.0
    running: int = 0
    """Scans that it writes."""
    lag_s: float = 0.0
    files: tuple[str, ...] = ()
    """As their scans name them; it holds, or held, their leases."""

    @classmethod
    def from_fields(cls, found: Mapping[str, Any]) -> WriterRecord:
        """From JSON. Raises TypeError, ValueError, KeyError, OverflowError."""
        since, lag_s = float(found["since"]), float(found["lag_s"])
        if not (0 <= since < LATEST_S and math.isfinite(lag_s)):
            raise ValueError(since, lag_s)
        return cls(
            str(found["id"]),
            str(found["host"]),
            int(found["pid"]),
            bool(found["standby"]),
            str(found["device"]),
            str(found["version"]),
            since,
            int(found["running"]),
            lag_s,
            tuple(map(str, found["files"])),
        )

    @property
    def role(self) -> str:
        return "standby" if self.standby else "active"


@dataclass(frozen=True, slots=True)
class Present:
    """A writer, and how long ago its heart beat last."""

    record: WriterRecord
    age_s: float

    @property
    def alive(self) -> bool:
        return self.age_s < ALIVE_WITHIN_S


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a scan: its status when ``writer`` had done with it.

    ``silent``: it may speak again, and its writer listens to it for as long as it lives.
    """

    writer: str
    status: Status
    silent: bool = False


class RosterEntry:
    """The place of one writer among those of its session: everything is put into a pipeline."""

    def __init__(self, session: str, writer_id: str) -> None:
        self.session = session
        self.id = writer_id

    def beat(self, pipeline: redis.client.Pipeline, record: WriterRecord) -> None:
        """It is here. Comes behind what it says of its scans, which lives as long."""
        key = own_keys.writer(self.session, self.id)
        pipeline.set(key, json.dumps(asdict(record)), px=RECORD_KEPT_S * 1000)
        pipeline.sadd(own_keys.writers(self.session), self.id)
        pipeline.expire(own_keys.writers(self.session), 2 * RECORD_KEPT_S)
        pipeline.expire(own_keys.scans(self.session, self.id), RECORD_KEPT_S)

    def say(self, pipeline: redis.client.Pipeline, scan: str, status: Status) -> None:
        """How a scan goes."""
        pipeline.hset(own_keys.scans(self.session, self.id), to_bytes(scan), json.dumps(status))

    def forget(self, pipeline: redis.client.Pipeline, scan: str) -> None:
        """It is not asked for any more."""
        pipeline.hdel(own_keys.scans(self.session, self.id), to_bytes(scan))

    def settle(self, pipeline: redis.client.Pipeline, scan: str, outcome: Outcome, kept_s: float) -> None:
        """What became of a scan, for all others."""
        key = own_keys.outcome(self.session, scan)
        pipeline.set(to_bytes(key), json.dumps(asdict(outcome)), px=max(1, round(kept_s * 1000)))

    def take_requests(self, pipeline: redis.client.Pipeline) -> None:
        """Two commands; the answer to the first of them is for ``read_requests``."""
        key = own_keys.requests(self.session, self.id)
        pipeline.lrange(key, 0, -1)
        pipeline.delete(key)

    def leave(self, pipeline: redis.client.Pipeline) -> None:
        """It is gone; what it said of its scans stays for a while."""
        pipeline.srem(own_keys.writers(self.session), self.id)
        pipeline.delete(own_keys.writer(self.session, self.id))


class OtherWriters:
    """Whether other writers of the session were there, when it was asked last; until then they may be.

    One that died counts until its record is gone.
    """

    present: bool

    def __init__(self, session: str, writer_id: str) -> None:
        self.present = True
        self._session = session
        self._own = writer_id
        self._known: frozenset[str] = frozenset()

    def ask(self, pipeline: redis.client.Pipeline) -> None:
        """One command or two; what follows in the answers is for ``hear``."""
        pipeline.smembers(own_keys.writers(self._session))
        if self._known:
            pipeline.exists(*(own_keys.writer(self._session, one) for one in self._known))

    def hear(self, answers: Sequence[object]) -> None:
        """Errors among the answers say nothing."""
        found = answers[0]
        if not isinstance(found, set):
            return
        others = frozenset(to_text(one) for one in found) - {self._own}
        alive = bool(self._known) and answers[1] != 0
        self.present = alive or bool(others - self._known)
        self._known = others


def request(client: redis.Redis, session: str, writer_id: str, scan: str, what: str) -> None:
    """Ask a writer to do something with one of its scans, within a second or so."""
    key = own_keys.requests(session, writer_id)
    with client.pipeline() as pipeline:
        pipeline.rpush(key, json.dumps({"scan": scan, "what": what}))
        pipeline.expire(key, 60)
        pipeline.execute()


def read_requests(answer: Sequence[bytes]) -> list[tuple[str, str]]:
    """Scan, and what is asked for it."""
    asked = [_mapping(text) for text in answer]
    return [(str(one.get("scan", "")), str(one.get("what", ""))) for one in asked if one is not None]


def present_writers(client: redis.Redis, session: str) -> list[Present]:
    """The writers of a session, those of the last ``RECORD_KEPT_S``; the one that was first comes first."""
    found: Any = client.smembers(own_keys.writers(session))
    ids = [to_text(raw) for raw in found]
    with client.pipeline(transaction=False) as pipeline:
        for writer_id in ids:
            pipeline.get(own_keys.writer(session, writer_id))
            pipeline.pttl(own_keys.writer(session, writer_id))
        answers = pipeline.execute()
    writers = []
    for text, left_ms in zip(answers[::2], answers[1::2], strict=True):
        record = _record(text)
        if record is not None:
            writers.append(Present(record, max(0.0, RECORD_KEPT_S - left_ms / 1000)))
    return sorted(writers, key=lambda one: (one.record.since, one.record.id))


def statuses_of(client: redis.Redis, session: str, writer_id: str) -> dict[str, Status]:
    """What a writer says of its scans, by key."""
    found: Any = client.hgetall(own_keys.scans(session, writer_id))
    read = {to_text(scan): _mapping(text) for scan, text in found.items()}
    return {scan: status for scan, status in read.items() if status is not None}


def statuses(client: redis.Redis, session: str, wanted: Sequence[tuple[str, str]]) -> list[Status | None]:
    """What writers (their ids) say of scans (their keys), in one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for writer_id, scan in wanted:
            pipeline.hget(own_keys.scans(session, writer_id), to_bytes(scan))
        return [_mapping(text) for text in pipeline.execute()]


def read_outcome(text: bytes | None) -> Outcome | None:
    """As ``settle`` wrote it; None where there is none."""
    found = _mapping(text)
    if found is None or not isinstance(found.get("status"), dict):
        return None
    return Outcome(str(found.get("writer", "")), found["status"], found.get("silent") is True)


def _record(text: bytes | None) -> WriterRecord | None:
    found = _mapping(text)
    try:
        return None if found is None else WriterRecord.from_fields(found)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _mapping(text: bytes | None) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
