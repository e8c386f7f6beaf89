"""A disk that does not answer for some seconds, whatever is asked of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import tango

from tests.faults.disks import fuse_disk
from tests.faults.kept import Beamline, assert_complete
from tests.faults.trials import trials
from tests.serve_process import entry_is_final
from tests.tango_server.servers import Database, serving, wait_until

pytestmark = pytest.mark.fault("a disk that hangs (the consumer blocked in a write)")
HANGING, OTHER = "hanging", "other"
SHORT_S, FULL_S = 4.0, 10.0
OPTIONS = {
    "NEXUS_WRITER_REQUIRED_DISK_SPACE": "0",
    "NEXUS_WRITER_FLUSH_PERIOD_S": "0.02",
    "NEXUS_WRITER_PACE_S": "0.005",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    server = Database(tmp_path_factory.mktemp("tango_database"))
    yield server
    server.stop()


def registered(database: Database, trial: int, redis_url: str) -> list[str]:
    """Two devices of one server."""
    names = []
    for session in (HANGING, OTHER):
        info = tango.DbDevInfo()
        info.server, info._class = f"nexuswriter/hang{trial}", "NexusWriter"
        info.name = f"id00/bliss_nxwriter/{session}{trial}"
        database.client().add_device(info)
        database.client().put_device_property(info.name, {"session": [session], "redis_url": [redis_url]})
        names.append(info.name)
    return names


@dataclass
class Clock:
    """How long each question took, seconds."""

    answers: dict[str, list[float]] = field(default_factory=dict)

    def ask(self, what: str, question: Callable[[], Any]) -> Any:
        started = time.monotonic()
        try:
            return question()
        finally:
            self.answers.setdefault(what, []).append(time.monotonic() - started)

    @property
    def slowest(self) -> dict[str, float]:
        return {what: max(times) for what, times in self.answers.items()}


def ask_everything(clock: Clock, device: tango.DeviceProxy, scan: str) -> None:
    """What BLISS asks of a writer, and who looks at it."""
    assert clock.ask("State", device.State) == tango.DevState.RUNNING
    assert clock.ask("scan_state", lambda: device.scan_state(scan)) == tango.DevState.ON
    clock.ask("scan_state_reason", lambda: device.scan_state_reason(scan))
    clock.ask("scan_disk_space_error", lambda: device.scan_disk_space_error(scan))
    clock.ask("scan_disk_space_warning", lambda: device.scan_disk_space_warning(scan))
    clock.ask("scan_uri", lambda: device.scan_uri(scan))
    assert clock.ask("scan_has_write_permissions", lambda: device.scan_has_write_permissions(scan))
    clock.ask("free_disk_space", lambda: device.free_disk_space)
    clock.ask("scans_description", lambda: device.scans_description)


@trials(2, 10)
def test_tango_answers_and_others_listen(
    trial: int,
    redis_url: str,
    database: Database,
    tmp_path: Path,
    full: bool,
    record_property: Callable[[str, object], None],
) -> None:
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    hang_s = FULL_S if full else SHORT_S
    names = registered(database, trial, redis_url)
    variables = {**OPTIONS, "TANGO_HOST": database.tango_host}
    with fuse_disk(tmp_path / "mounted") as disk:
        hanging = Beamline.at(redis_url, HANGING, disk.inside)
        other = Beamline.at(redis_url, OTHER, tmp_path / "data")
        with serving(
            tmp_path / "server", f"hang{trial}", variables=variables, entering=disk.entering
        ) as server:
            device, second = (database.proxy(name) for name in names)
            publishing = [hanging.run([900]), other.run([300, 100])]
            wait_until(lambda: bool(hanging.scans) and device.scan_exists(hanging.scans[0].key), "known")
            wait_until(lambda: hanging.scans[0].points >= chance.randrange(10, 200), "points")
            scan, clock = hanging.scans[0], Clock()
            disk.hang()
            try:
                until = time.monotonic() + hang_s
                while time.monotonic() < until:
                    ask_everything(clock, device, scan.key)
                    assert clock.ask("State of another device", second.State) != tango.DevState.FAULT
                with pytest.raises(tango.DevFailed, match="its disk does not answer"):
                    clock.ask("makedirs", lambda: device.makedirs(str(disk.inside / "new")))
                heard = len(second.scan_names)
            finally:
                disk.go_on()
            assert heard == 2, "the other device listened"
            print(clock.slowest)
            for thread in publishing:
                thread.join(60)
            done = [(device, one) for one in hanging.scans] + [(second, one) for one in other.scans]
            for proxy, one in done:
                wait_until(lambda p=proxy, s=one: p.scan_state(s.key) == tango.DevState.OFF, "saved", 60)  # type: ignore[misc]
            assert server.end() == 0
        seen = [replace(one, path=disk.seen(one.path)) for one in hanging.scans] + other.scans
    assert hanging.failure is None, hanging.failure
    assert other.failure is None, other.failure
    for one in seen:
        assert entry_is_final(one.path, one.entry)
        assert_complete(one)
    slowest = clock.slowest
    assert slowest.pop("makedirs") < (3.0 if full else 15.0)
    record_property("slowest_answer_s", max(slowest.values()))
    assert max(slowest.values()) < (1.0 if full else 3.5), slowest
    assert "Traceback" not in server.output
