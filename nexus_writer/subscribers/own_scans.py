"""The scans that this process writes, or has written, as the other writers of their session hear of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import redis

from nexus_writer.data.roster import Outcome, RosterEntry

from .claims import Claim
from .scan import NexusScanWriter
from .sought import Sought
from .state import SubscriberState
from .status import ScanStatus

OUTCOME_KEPT_S = 1800.0
"""Longer than Redis keeps the data of a scan."""


@dataclass(slots=True)
class OwnScan:
    """``said`` is what the others were told of it when it was done, None as long as it is not."""

    scan: NexusScanWriter
    sought: Sought
    claim: Claim | None
    said: object = None


class OwnScans:
    """By key, with what there is to say of them. Belongs to the thread of the session."""

    def __init__(self, writer_id: str, entry: RosterEntry) -> None:
        self._writer_id = writer_id
        self._entry = entry
        self._scans: dict[str, OwnScan] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._forgotten: set[str] = set()

    def add(self, scan: NexusScanWriter, sought: Sought, claim: Claim | None) -> OwnScan:
        """A scan is written here from now on."""
        own = self._scans[scan.key] = OwnScan(scan, sought, claim)
        self._forgotten.discard(scan.key)
        return own

    def running(self, key: str) -> NexusScanWriter | None:
        """The scan of this key that is being written."""
        own = self._scans.get(key)
        return None if own is None or own.scan.done() else own.scan

    def all_running(self) -> list[ScanStatus]:
        """What those say that are being written."""
        return [own.scan.status() for own in self._scans.values() if not own.scan.done()]

    def leave(self, own: OwnScan) -> None:
        """Another writer goes on with it."""
        self._forgotten.add(own.scan.key)
        self._scans.pop(own.scan.key, None)

    def settle(self, own: OwnScan) -> None:
        """It is done: whether that is for all writers, its status tells."""
        scan = own.scan
        if scan.completed or (scan.state is SubscriberState.OFF and not scan.opened):
            status = {**scan.status().to_dict(), "start_time": own.sought.start_time}
            self._outcomes[scan.key] = Outcome(self._writer_id, status, silent=scan.silent_since is not None)

    def forget(self, key: str) -> None:
        """Nobody asks for this scan any more."""
        if self._scans.pop(key, None) is not None:
            self._forgotten.add(key)

    def tell(self, pipeline: redis.client.Pipeline) -> Callable[[], None]:
        """Put all that is new into the pipeline; what is returned is to be called when that went well."""
        outcomes, forgotten = dict(self._outcomes), set(self._forgotten)
        told = self._tell_statuses(pipeline)
        for key, outcome in outcomes.items():
            self._entry.settle(pipeline, key, outcome, OUTCOME_KEPT_S)
        for key in forgotten:
            self._entry.forget(pipeline, key)

        def heard() -> None:
            for own, what in told:
                own.said = what
            for key, outcome in outcomes.items():
                if self._outcomes.get(key) is outcome:
                    del self._outcomes[key]
            self._forgotten -= forgotten

        return heard

    def _tell_statuses(self, pipeline: redis.client.Pipeline) -> list[tuple[OwnScan, object]]:
        """Those that may have changed."""
        told: list[tuple[OwnScan, object]] = []
        for own in self._scans.values():
            what = (own.scan.state, own.scan.validation) if own.scan.done() else None
            if what is None or what != own.said:
                self._entry.say(pipeline, own.scan.key, own.scan.status().to_dict())
                told.append((own, what))
        return told
