"""What is pushed to subscribed clients, and what is not even looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tango_server.broadcast import Broadcast, Reading
from tests.session_scans import until


class Device:
    """What a Broadcast asks of its device, and tells it."""

    def __init__(self) -> None:
        self.subscribed: set[str] = set()
        self.pushed: list[tuple[str, Any]] = []
        self.value = 0
        self.read: list[str] = []

    def get_name(self) -> str:
        return "a/b/c"

    def is_there_subscriber(self, name: str, _event_type: object) -> bool:
        return name in self.subscribed

    def push_change_event(self, name: str, value: Any = None, *_: Any) -> None:
        self.pushed.append((name, value))

    def set_state(self, state: Any) -> None:
        self.state = state

    def readings(self) -> dict[str, Callable[[], Reading]]:
        return {"scan_names": self._read("scan_names"), "State": self._read("State")}

    def _read(self, name: str) -> Callable[[], Reading]:
        def read() -> Reading:
            self.read.append(name)
            return Reading(self.value)

        return read


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr("tango_server.broadcast.PERIOD_S", 0.001)
    device = Device()
    broadcast = Broadcast(device, device.readings)
    yield device
    broadcast.stop()


def looks(device: Device) -> None:
    """Let the broadcast look again, and to its end."""
    for _ in range(2):
        seen = device.read.count("State")
        until(lambda seen=seen: device.read.count("State") != seen, "a look")


def test_what_nobody_has_subscribed_to_is_not_looked_at(device: Device) -> None:
    looks(device)
    assert "scan_names" not in device.read
    assert device.pushed == [("State", None)]


def test_who_subscribes_later_is_told_of_each_change(device: Device) -> None:
    """Also when a value is again what was pushed before they came."""
    device.subscribed.add("scan_names")
    looks(device)
    device.subscribed.clear()
    device.value = 1
    looks(device)
    device.subscribed.add("scan_names")
    device.value = 0
    looks(device)
    looks(device)
    assert [value for name, value in device.pushed if name == "scan_names"] == [0, 0]
