"""Who takes a scan: the decision, by itself, and when it is made."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.leases import Lease, Leases
from nexus_writer.data.nodes import DataNodeContainer
from nexus_writer.data.roster import Outcome
from nexus_writer.subscribers import read_options
from nexus_writer.subscribers.claims import Claim, Claims, now
from nexus_writer.subscribers.elsewhere import ScanElsewhere
from nexus_writer.subscribers.sought import Sought, seek
from nexus_writer.subscribers.waiting import (
    AFTER_REDIS_S,
    STANDBY_AFTER_S,
    Decision,
    Signs,
    WaitingScans,
    decide,
)
from tests.session_scans import run_scan, until

SCAN = Sought(DataNodeContainer("unit:1_loopscan", None), "/data/a.h5", 5.0, seen_at=100.0)
OTHERS, OWN = Lease("/data/a.h5", "other", 1), Lease("/data/a.h5", "me", 1)
SAVED = Outcome("other", {"state": "OFF", "start_time": 5.0})
SAVED_EARLIER = Outcome("other", {"state": "OFF", "start_time": 4.0})
SILENT = Outcome("other", {"state": "OFF", "start_time": 5.0}, silent=True)
SOON, LATE = 100.1, 100.1 + STANDBY_AFTER_S


@pytest.mark.parametrize(
    ("signs", "standby", "at", "decision"),
    [
        (Signs(None, None), False, SOON, Decision.TAKE),
        (Signs(None, None), True, SOON, Decision.WAIT),
        (Signs(None, None), True, LATE, Decision.TAKE),
        (Signs(OTHERS, None), False, LATE, Decision.WAIT),
        (Signs(OTHERS, None), True, LATE, Decision.WAIT),
        (Signs(OWN, None), False, SOON, Decision.TAKE),
        (Signs(OWN, None), True, SOON, Decision.WAIT),
        (Signs(OWN, None), True, LATE, Decision.TAKE),
        (Signs(None, SAVED), True, LATE, Decision.FORGET),
        (Signs(OTHERS, SAVED), True, LATE, Decision.FORGET),
        (Signs(None, SAVED_EARLIER), True, LATE, Decision.TAKE),
        (Signs(None, SILENT, writer_lives=True), True, LATE, Decision.WAIT),
        (Signs(None, SILENT, writer_lives=False), True, LATE, Decision.TAKE),
        (Signs(OTHERS, SILENT, writer_lives=False), True, LATE, Decision.WAIT),
    ],
)
def test_decide(signs: Signs, standby: bool, at: float, decision: Decision) -> None:
    assert decide(SCAN, signs, "me", standby=standby, at=at) is decision


@pytest.fixture
def sought(redis_client: redis.Redis, tmp_path: Path) -> Sought:
    scan = run_scan(SessionPublisher(redis_client, "unit").dataset(tmp_path, "hg123", "sample"))
    return seek(DataNodeContainer(scan.key, redis_client), redis_client, "nexus")


def test_who_waits_asks_whether_the_file_can_be_locked(
    sought: Sought, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before it has to take the file over."""

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("nexus_writer.hdf5.locks._warned_devices", set())
    monkeypatch.setattr(fcntl, "fcntl", no_locks)
    shown = ScanElsewhere(sought, "unit", read_options({}), lambda *_: None)
    status = shown.status().to_dict()
    shown.hear("other", status)
    Path(sought.path).parent.mkdir(parents=True, exist_ok=True)
    Path(sought.path).touch()
    status["progress"]["flushed_at"] = 1.0
    shown.hear("other", status)
    until(lambda: "no file locks" in caplog.text, "said")


def test_a_scan_that_cannot_be_begun_waits_on(redis_client: redis.Redis, sought: Sought) -> None:
    claims, begun = Claims(Leases("unit", "me")), list[Claim]()

    def begin(_: Sought, claim: Claim, __: bool) -> None:
        begun.append(claim)
        if len(begun) == 1:
            raise redis.ConnectionError("cut")

    waiting = WaitingScans("unit", "me", claims, lambda: redis_client, begin, standby=False)
    waiting.add(sought, ScanElsewhere(sought, "unit", read_options({}), lambda *_: None))
    until(lambda: len(begun) == 2, "begun again")
    waiting.stop()
    assert [claim.users for claim in begun] == [0, 1]
    claims.drop(begun[1])
    assert claims.paths == ()


def test_after_redis_was_away_owners_come_first(redis_client: redis.Redis, sought: Sought) -> None:
    """All leases may have run out meanwhile, and their owners be well."""
    away, begun = [True, True], list[float]()

    def client() -> redis.Redis:
        if away:
            away.pop()
            raise redis.ConnectionError("away")
        return redis_client

    claims = Claims(Leases("unit", "me"))
    waiting = WaitingScans("unit", "me", claims, client, lambda *_: begun.append(now()), standby=False)
    shown = ScanElsewhere(sought, "unit", read_options({}), lambda *_: None)
    waiting.add(sought, shown)
    until(lambda: not away, "Redis is back")
    back_at = now()
    until(lambda: begun, "taken")
    waiting.stop()
    assert begun[0] - back_at > 0.9 * AFTER_REDIS_S
    assert claims.paths == (sought.path,)
