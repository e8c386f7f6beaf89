"""A scan of which this process has a status, and nothing that writes it."""

from __future__ import annotations

from .scan_disk import OnDisk
from .state import SubscriberState
from .status import ScanStatus


class ToldScan(OnDisk):
    """Answers what its status says; permissions and disk space are those that this host finds."""

    __slots__ = ()
    _status: ScanStatus

    def status(self) -> ScanStatus:
        """Everything about it, as it was told last."""
        return self._status

    @property
    def state(self) -> SubscriberState:
        return SubscriberState[self._status.state]

    @property
    def reason(self) -> str:
        return self._status.reason

    @property
    def uris(self) -> list[str]:
        return list(self._status.progress.uris)
