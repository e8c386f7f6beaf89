"""The states of a subscriber and the moves between them."""

from __future__ import annotations

from enum import Enum


class SubscriberState(Enum):
    """INIT before the start, ON while listening, then OFF or FAULT.

    FAULT is terminal, and a beamline aborts a scan whose writer is in it: it means that nothing more
    can be saved. Trouble that may pass leaves a subscriber ON, with a reason that says so.
    """

    INIT = "INIT"
    ON = "ON"
    OFF = "OFF"
    FAULT = "FAULT"

    def may_become(self, state: SubscriberState) -> bool:
        """Is the move from this state to ``state`` allowed?"""
        return state in MOVES[self]


MOVES: dict[SubscriberState, frozenset[SubscriberState]] = {
    SubscriberState.INIT: frozenset({SubscriberState.ON, SubscriberState.OFF, SubscriberState.FAULT}),
    SubscriberState.ON: frozenset({SubscriberState.OFF, SubscriberState.FAULT}),
    SubscriberState.OFF: frozenset(),
    SubscriberState.FAULT: frozenset(),
}
