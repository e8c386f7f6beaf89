"""A Tango client that shows how the scans are doing."""

from __future__ import annotations

import json
import time
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

POLL_EVERY_S = 0.1
FINISHED_WITHIN_S = 10.0


class DeviceClient:
    """What the demo asks of the ``NexusWriter`` device."""

    def __init__(self, address: str) -> None:
        import tango

        self._proxy = tango.DeviceProxy(address)

    def scans(self) -> list[dict[str, Any]]:
        """A description of every scan that the device knows."""
        scans: list[dict[str, Any]] = json.loads(self._proxy.read_attribute("scans_description").value)
        return scans


class Running(Protocol):
    """A beamline that plays scans for a while, and knows their keys then."""

    def is_alive(self) -> bool: ...

    def keys(self) -> set[str]: ...


def show_progress(console: Console, client: DeviceClient, beamline: Running) -> list[dict[str, Any]]:
    """A bar for each scan until the beamline has played all of them and their files are complete."""
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(40),
        MofNCompleteColumn(),
        TextColumn("points  {task.fields[state]}"),
    )
    bars: dict[str, Any] = {}
    deadline = float("inf")
    with Progress(*columns, console=console) as progress:
        while True:
            alive = beamline.is_alive()
            scans = client.scans()
            for scan in scans:
                _update(progress, bars, scan)
            saved = {scan["key"] for scan in scans if scan["state"] in ("OFF", "FAULT")}
            if not alive and beamline.keys() <= saved:
                return scans
            if not alive:
                deadline = min(deadline, time.monotonic() + FINISHED_WITHIN_S)
            if time.monotonic() > deadline:
                return scans
            time.sleep(POLL_EVERY_S)


def _update(progress: Progress, bars: dict[str, Any], scan: dict[str, Any]) -> None:
    for subscan in scan["progress"]["subscans"]:
        name = scan["name"] if len(scan["progress"]["subscans"]) == 1 else f"{scan['name']} {subscan['name']}"
        key = f"{scan['key']} {subscan['name']}"
        if key not in bars:
            bars[key] = progress.add_task(name, total=subscan["expected_points"] or None, state="")
        state = {"ON": "writing", "OFF": "saved", "FAULT": "failed"}.get(scan["state"], "starting")
        progress.update(bars[key], completed=subscan["min_points"], state=state)
