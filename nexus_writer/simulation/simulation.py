"""All scans of a simulated beamline, one step behind the other."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from secrets import token_hex
from typing import Any

from nexus_writer.acquisition.nodes import register_node_type
from nexus_writer.acquisition.publishing import Pace, Reason
from nexus_writer.data.connection import connect
from nexus_writer.data.publishing import SessionPublisher
from nexus_writer.data.publishing.scan import STREAM_MAX_ENTRIES

from .makers import NodeMaker, node_maker
from .path_motor import PathMotor
from .plan import ScanPlan, plan_scan
from .responding import RespondingCounter, RespondingSpectrum
from .scan_timer import ScanTimer
from .settings import BeamlineSettings
from .simulated_scan import Outcome, SimulatedScan

__all__ = ["Simulation"]

LOOK_EVERY_S = 0.02
SEEDS_OF_A_SCAN = 100_000
for _node_type in (PathMotor, RespondingCounter, RespondingSpectrum, ScanTimer):
    register_node_type(_node_type)


class Simulation:
    """``run`` publishes the scans; ``abort``, from any thread, ends those that run as a user would.

    Raises RedisUnreachable, and what nodes raise that can not be configured.
    """

    def __init__(
        self,
        beamline: BeamlineSettings,
        redis_url: str | None = None,
        *,
        beacon: str | None = None,
        stream_max_entries: int = STREAM_MAX_ENTRIES,
    ) -> None:
        self.beamline = beamline
        self._publisher: dict[str, Any] = {
            "session": beamline.session,
            "directory": beamline.directory,
            "redis_url": redis_url,
            "beacon": beacon,
            "stream_max_entries": stream_max_entries,
            "close_dataset": False,
            **beamline.dataset.model_dump(),
        }
        self._address: dict[str, Any] = {"url": redis_url, "beacon": beacon}
        self._pace = Pace(beamline.flush_period_s, on_lag=beamline.on_lag, end_within_s=beamline.end_within_s)
        self._aborted = threading.Event()
        self._positions = {name: motor.position for name, motor in beamline.motors.items()}
        self._images = beamline.directory / "images" / f"{time.strftime('%Y%m%dT%H%M%S')}_{token_hex(4)}"

    @property
    def aborted(self) -> bool:
        return self._aborted.is_set()

    def abort(self) -> None:
        """End the scans that run as USER_ABORT, and run no more."""
        self._aborted.set()

    def run(self) -> Generator[Outcome]:
        """How each scan went, when it has ended. After a scan that failed the next one is run."""
        number = 0
        with node_maker(self.beamline.processes) as maker, self._closing_the_dataset():
            for scans in self._steps():
                if number and self._aborted.wait(self.beamline.pause_s):
                    return
                plans = [self._plan(scan, number + other) for other, scan in enumerate(scans, 1)]
                number += len(plans)
                yield from self._measure(plans, maker)
                for plan in plans:
                    self._positions |= plan.ends
                if self.aborted:
                    return

    @contextmanager
    def _closing_the_dataset(self) -> Iterator[None]:
        """Its scans expire a day after the last of them, also when no more of them are asked for."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(Exception):  # what happened first is told
                self._close_dataset()
            raise
        self._close_dataset()

    def _close_dataset(self) -> None:
        beamline = self.beamline
        place = beamline.dataset.model_dump(exclude={"beamline"})
        with connect(**self._address) as client:
            session = SessionPublisher(client, beamline.session, beamline=beamline.dataset.beamline)
            session.dataset(beamline.directory, **place).close()

    def _steps(self) -> Iterator[list[Any]]:
        for _ in range(self.beamline.repeat):
            yield from self.beamline.steps()

    def _plan(self, scan: Any, number: int) -> ScanPlan:
        seed = self.beamline.seed + SEEDS_OF_A_SCAN * number
        return plan_scan(self.beamline, scan, self._positions, self._images / f"{number:04d}", seed)

    def _measure(self, plans: Sequence[ScanPlan], maker: NodeMaker) -> Iterator[Outcome]:
        """Scans at once, from announcement to end."""
        with ExitStack() as closing:
            running = []
            for plan in plans:
                running.append(SimulatedScan(plan, maker, self._publisher, self._pace))
                closing.callback(running[-1].close)
            for one in running:
                one.begin()
            while running:
                for one in [one for one in running if one.done() or self.aborted]:
                    running.remove(one)
                    outcome = one.end(Reason.SUCCESS if one.done() else Reason.USER_ABORT)
                    yield outcome
                self._aborted.wait(LOOK_EVERY_S)
