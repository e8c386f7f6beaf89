"""The scans that this process writes, or has written, as the other writers of their session hear of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis

from nexus_writer.data.roster import Outcome, RosterEntry

from .claims import Claim
from .scan import NexusScanWriter
from .sought import Sought
from .state import SubscriberState
from .status import ScanStatus

Thing = TypeVar("Thing")
OUTCOME_KEPT_S = 1800.0
"""Longer than Redis keeps the data of a scan."""


@dataclass(frozen=True, slots=True)
class OwnScan:
    """A scan that is written here, and the claim of its file."""

    scan: NexusScanWriter
    sought: Sought
    claim: Claim | None


class OwnScans:
    """By key, with what there is to say of them: again and again of those that are written, once of those
    that are done. Belongs to the thread of the session."""

    def __init__(self, writer_id: str, entry: RosterEntry) -> None:
        self._writer_id = writer_id
        self._entry = entry
        self._scans: dict[str, OwnScan] = {}
        self._last_words: dict[str, ScanStatus] = {}
        self._said: set[str] = set()
        self._outcomes: dict[str, Outcome] = {}
        self._forgotten: set[str] = set()

    def add(self, scan: NexusScanWriter, sought: Sought, claim: Claim | None) -> OwnScan:
        """A scan is written here from now on."""
        own = self._scans[scan.key] = OwnScan(scan, sought, claim)
        self._forgotten.discard(scan.key)
        self._last_words.pop(scan.key, None)
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
        if self._is_current(own):
            self.forget(own.scan.key)

    def done(self, own: OwnScan) -> None:
        """Its status is said once more."""
        if self._is_current(own):
            del self._scans[own.scan.key]
            self._last_words[own.scan.key] = own.scan.status()

    def settle(self, own: OwnScan) -> None:
        """It is done: whether that is for all writers, its status tells."""
        scan = own.scan
        if scan.completed or (scan.state is SubscriberState.OFF and not scan.opened):
            status = {**scan.status().to_dict(), "start_time": own.sought.start_time}
            self._outcomes[scan.key] = Outcome(self._writer_id, status, silent=scan.silent_since is not None)
        self.done(own)

    def changed(self, status: ScanStatus) -> None:
        """There is more to say of a scan that is done."""
        if status.key in self._said or status.key in self._last_words:
            self._last_words[status.key] = status

    def forget(self, key: str) -> None:
        """Nobody asks for this scan any more."""
        last = self._last_words.pop(key, None)
        if self._scans.pop(key, None) or last or key in self._said:
            self._said.discard(key)
            self._forgotten.add(key)

    def tell(self, pipeline: redis.client.Pipeline) -> Callable[[], None]:
        """Put all that is new into the pipeline; what is returned is to be called when that went well."""
        last_words, outcomes, forgotten = dict(self._last_words), dict(self._outcomes), set(self._forgotten)
        for status in (*(own.scan.status() for own in self._scans.values()), *last_words.values()):
            self._entry.say(pipeline, status.key, status.to_dict())
        for key, outcome in outcomes.items():
            self._entry.settle(pipeline, key, outcome, OUTCOME_KEPT_S)
        for key in forgotten:
            self._entry.forget(pipeline, key)

        def heard() -> None:
            self._said.update(_taken_out(self._last_words, last_words))
            _taken_out(self._outcomes, outcomes)
            self._forgotten -= forgotten

        return heard

    def _is_current(self, own: OwnScan) -> bool:
        """No other one has its name now."""
        return self._scans.get(own.scan.key) is own


def _taken_out(things: dict[str, Thing], told: dict[str, Thing]) -> list[str]:
    """Keys of those that were told and are the same still; they are gone."""
    keys = [key for key, thing in told.items() if things.get(key) is thing]
    for key in keys:
        del things[key]
    return keys
