"""``nexus-writer status``: what the writers of a session are doing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.leases import Lease, held_leases
from nexus_writer.data.roster import Present, present_writers, statuses_of
from nexus_writer.data.sessions import why_unknown

from .errors import CommandError

ENDED_SHOWN = 10
"""Scans that have ended, the latest."""

LEFT = "left by a writer that is gone; nexus-writer doctor FILE says whether another one has completed it"


@dataclass(frozen=True, slots=True)
class Report:
    """Of one moment. ``scans`` are the statuses that the writers gave, one of each scan.

    ``left`` are those that a writer was saving when it was last heard, and that none at work tells of.
    Another one may have completed them since: Redis does not know.
    """

    session: str
    writers: Sequence[Present]
    scans: Sequence[Mapping[str, Any]]
    left: Sequence[Mapping[str, Any]]
    leases: Sequence[Lease]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        writers = [
            {**asdict(one.record), "role": one.record.role, "age_s": one.age_s, "alive": one.alive}
            for one in self.writers
        ]
        return {
            "session": self.session,
            "writers": writers,
            "scans": list(self.scans),
            "left": list(self.left),
            "leases": [asdict(lease) for lease in self.leases],
        }


def show_status(session: str, *, redis_url: str | None, beacon: str | None, as_json: bool) -> None:
    """Print it. Raises CommandError when no writer is at work, DataError when Redis does not answer."""
    with connect(redis_url, beacon=beacon) as client:
        try:
            report = look(client, session)
            unknown = "" if report.writers else why_unknown(session, client)
        except redis.ConnectionError as error:
            raise CommandError(f"Redis is gone ({error}): try again") from None
    if as_json:
        print(json.dumps(report.to_dict(), indent=1))
    elif report.writers:
        print("\n".join(lines(report)))
    if not any(one.alive for one in report.writers):
        raise CommandError(
            f"no writer of session {session} is at work: start its device, or nexus-writer serve {session}"
            f"{unknown and f'; {unknown}'}"
        )


def look(client: redis.Redis, session: str) -> Report:
    """What Redis knows. Raises redis.RedisError."""
    writers = present_writers(client, session)
    scans: dict[str, Mapping[str, Any]] = {}
    told: set[str] = set()
    for one in sorted(writers, key=_knowledge):
        found = statuses_of(client, session, one.record.id)
        scans |= found
        told |= found.keys() if one.alive else set()
    left = {key for key, scan in scans.items() if key not in told and scan.get("end_time") is None}
    paths = sorted({path for one in writers for path in one.record.files})
    leases = [lease for lease in held_leases(client, session, paths).values() if lease is not None]
    known = sorted((scan for key, scan in scans.items() if key not in left), key=_began_at)
    return Report(session, writers, known, sorted((scans[key] for key in left), key=_began_at), leases)


def lines(report: Report) -> Iterator[str]:
    """For people."""
    yield f"session {report.session}"
    yield from _table(
        ("writer", "role", "heartbeat", "scans", "lag", "since", "version", "device"),
        [_writer_row(one) for one in report.writers],
    )
    running = [scan for scan in report.scans if scan.get("end_time") is None]
    ended = [scan for scan in report.scans if scan.get("end_time") is not None][-ENDED_SHOWN:]
    left = [(LEFT, report.left)] if report.left else []
    for title, scans in (("running", running), *left, ("ended lately", ended)):
        yield ""
        yield title if scans else f"{title}: none"
        if scans:
            yield from _table(
                ("scan", "state", "points", "writer", "file", "reason"), [_scan_row(scan) for scan in scans]
            )
    yield ""
    yield "leases: none" if not report.leases else "leases"
    if report.leases:
        rows = [(lease.path, lease.owner, str(lease.fence)) for lease in report.leases]
        yield from _table(("file", "writer", "number"), rows)


def _writer_row(one: Present) -> tuple[str, ...]:
    record = one.record
    beat = f"{one.age_s:.1f} s ago" if one.alive else f"GONE for {one.age_s:.0f} s"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.since))
    return (
        record.id,
        record.role,
        beat,
        str(record.running),
        f"{record.lag_s:.2f} s",
        since,
        record.version,
        record.device or "-",
    )


def _scan_row(scan: Mapping[str, Any]) -> tuple[str, ...]:
    progress = scan.get("progress")
    progress = progress if isinstance(progress, dict) else {}
    uris = progress.get("uris") or ["-"]
    more = f" and {len(uris) - 1} more" if len(uris) > 1 else ""
    texts = (scan.get("name"), scan.get("state"), progress.get("points", 0), scan.get("written_by") or "-")
    return (*map(str, texts), f"{uris[0]}{more}", str(scan.get("reason", "")))


def _knowledge(writer: Present) -> tuple[bool, float]:
    """Who is at work knows better, and of those that died the one that was heard last."""
    return writer.alive, 0.0 if writer.alive else -writer.age_s


def _began_at(scan: Mapping[str, Any]) -> float:
    """As published, by the clock of the acquisition."""
    start = scan.get("start_time")
    return float(start) if isinstance(start, int | float) else 0.0


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """What came from Redis may hold anything: nothing of it reaches the terminal as a command."""
    everything = [
        tuple("".join(c if c.isprintable() else "?" for c in text) for text in row) for row in (head, *rows)
    ]
    widths = [max(len(row[column]) for row in everything) for column in range(len(head))]
    for row in everything:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
