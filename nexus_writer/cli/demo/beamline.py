"""The simulated beamline of the demo, in a thread of its own. Its scans take about 11 s."""

from __future__ import annotations

import threading
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from nexus_writer.simulation import BeamlineSettings, Outcome, Simulation, parse

from ..errors import CommandError

END_WITHIN_S = 10.0


def demo_settings() -> BeamlineSettings:
    """What the demo measures."""
    text = files(__package__).joinpath("beamline.yaml").read_text(encoding="utf-8")
    return parse(text, "beamline.yaml")


class DemoBeamline(threading.Thread):
    """Plays all scans into Redis; the files go below ``data_root``. It is aborted with its context."""

    def __init__(self, redis_url: str, data_root: Path) -> None:
        super().__init__(name="beamline", daemon=True)
        settings = demo_settings().model_copy(update={"directory": data_root / "visitor"})
        self._simulation = Simulation(settings, redis_url)
        self._failure: Exception | None = None
        self._outcomes: list[Outcome] = []

    def run(self) -> None:
        try:
            self._outcomes.extend(self._simulation.run())
        except Exception as error:
            self._failure = error

    def keys(self) -> set[str]:
        """Of the scans that were played, when it is no more alive."""
        return {outcome.scan.key for outcome in self._outcomes}

    def check(self) -> None:
        """Raises CommandError when the beamline failed."""
        failed = [f"{one.name}: {one.message}" for one in self._outcomes if one.message]
        if self._failure is not None or failed:
            raise CommandError(f"the simulated beamline failed: {self._failure or '; '.join(failed)}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._simulation.abort()
        self.join(END_WITHIN_S)
