"""Tells subscribed Tango clients what has changed.

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


class Broadcast:
    """Looks at the values of a device's attributes four times a second, and pushes those that differ."""

    def __init__(self, device: tango.DeviceImpl, readings: Callable[[], Mapping[str, Reading]]) -> None:
        """``readings`` gives what there is to say, by attribute."""
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
        for name, reading in self._readings().items():
            if self._pushed.get(name) != reading:
                self._pushed[name] = reading
                self._device.push_change_event(name, *self._prepared(name, reading))

    def _prepared(self, name: str, reading: Reading) -> tuple[Any, ...]:
        """What to push; of State and Status Tango pushes what it was told before, whatever it is given."""
        if name == "State":
            self._device.set_state(reading.value)
        elif name == "Status":
            self._device.set_status(reading.value)
        else:
            return reading.stamped()
        return ()
