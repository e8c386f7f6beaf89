"""Who takes a scan: the decision, by itself."""

from __future__ import annotations

import pytest

from nexus_writer.data.leases import Lease
from nexus_writer.data.nodes import DataNodeContainer
from nexus_writer.data.roster import Outcome
from nexus_writer.subscribers.sought import Sought
from nexus_writer.subscribers.waiting import STANDBY_AFTER_S, Decision, Signs, decide

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
