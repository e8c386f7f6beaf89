"""A flag that greenlets and threads wait for."""

from __future__ import annotations

from ._parking import ParkingLot, nothing_to_pass_on

__all__ = ["Event"]


class Event:
    """Shared by greenlets of any hub and by plain threads."""

    __slots__ = ("__weakref__", "_sent", "_waiting")

    def __init__(self) -> None:
        self._sent = False
        self._waiting = ParkingLot()

    def is_set(self) -> bool:
        return self._sent

    def send(self) -> None:
        """Wake all who wait, even if ``clear`` follows at once; later waits return until ``clear``."""
        self._sent = True
        self._waiting.unpark_all()

    set = send

    def clear(self) -> None:
        self._sent = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds (None: no limit; 0: just look). True: it was sent."""
        if self._sent:
            return True
        if timeout is not None and timeout <= 0:
            return False
        return self._waiting.park(timeout, self.is_set, nothing_to_pass_on)

    def __repr__(self) -> str:
        return f"<Event {'sent' if self._sent else 'not sent'}, {len(self._waiting.parked)} waiting>"
