"""Tells subscribed Tango clients what has changed.

What nobody has subscribed to is not found out: there may be thousands of scans, and lines of text for each of
them. Who subscribes is told by Tango how things stand, and by the next look here.

Events are pushed from a greenlet of the thread that serves Tango: pushing from the writer thread was never
shown to be safe.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gevent
import tango

logger = logging.getLogger(__name__)
PERIOD_S = 0.25


@dataclass(frozen=True, slots=True)
class Reading:
    """What an attribute has to say. Tango finds the quality by the alarm levels where it is VALID here."""

    value: Any
    quality: tango.AttrQuality = tango.AttrQuality.ATTR_VALID

    def stamped(self) -> tuple[Any, float, tango.AttrQuality]:
        """As Tango takes it."""
        return self.value, time.time(), self.quality


Readings = Mapping[str, Callable[[], Reading]]
"""What gives the reading of an attribute, by its name."""
TOLD_TO_TANGO = frozenset({"State", "Status"})
"""Tango keeps what it was told of these."""


class Broadcast:
    """Looks at the values of a device's attributes four times a second, and pushes those that differ."""

    def __init__(self, device: tango.DeviceImpl, readings: Callable[[], Readings]) -> None:
        """``readings`` gives those of one moment."""
        self._device = device
        self._readings = readings
        self._pushed: dict[str, Reading] = {}
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Push no more."""
        self._greenlet.kill()

    def _run(self) -> None:
        failing = False
        while True:
            try:
                self._push()
                failing = False
            except Exception:
                if not failing:
                    logger.exception("Events of %s cannot be pushed", self._device.get_name())
                failing = True
            gevent.sleep(PERIOD_S)

    def _push(self) -> None:
        for name, read in self._readings().items():
            if name not in TOLD_TO_TANGO and not self._is_wanted(name):
                self._pushed.pop(name, None)
            elif self._pushed.get(name) != (reading := read()):
                self._pushed[name] = reading
                self._device.push_change_event(name, *self._prepared(name, reading))

    def _is_wanted(self, name: str) -> bool:
        return bool(self._device.is_there_subscriber(name, tango.EventType.CHANGE_EVENT))

    def _prepared(self, name: str, reading: Reading) -> tuple[Any, ...]:
        """What to push; of State and Status Tango pushes what it was told before, whatever it is given."""
        if name == "State":
            self._device.set_state(reading.value)
        elif name == "Status":
            self._device.set_status(reading.value)
        else:
            return reading.stamped()
        return ()
