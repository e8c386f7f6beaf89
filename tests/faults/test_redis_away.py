"""Redis is stopped or killed and started again with its data; or the network between breaks, in every way."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import redis
import tango
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from nexus_writer.data import SessionPublisher
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.publishing import ScanPublisher
from tests.faults.kept import Beamline, assert_complete
from tests.faults.proxy import Proxy
from tests.faults.trials import trials
from tests.serve_process import entry_is_final
from tests.tango_server.servers import serving, wait_until

pytestmark = pytest.mark.fault("Redis stopped for 1-30 s and restarted with its data; connection cut")
SESSION = "cut"
VARIABLES = {
    "NEXUS_WRITER_REQUIRED_DISK_SPACE": "0",
    "NEXUS_WRITER_FLUSH_PERIOD_S": "0.02",
    "NEXUS_WRITER_PACE_S": "0.005",
}
WORKING = (tango.DevState.ON, tango.DevState.RUNNING)
LENGTHS = (3, 40, 200)
LONGER_LENGTHS = (*LENGTHS, 300, 700)


class PatientBeamline(Beamline):
    """Sends everything again until Redis has it: as a beamline that survives such a night."""

    def flush(self, scan: ScanPublisher) -> None:
        try:
            super().flush(scan)
        except redis.ResponseError as error:
            if "equal or smaller" not in str(error):
                raise
            scan._pending.clear()  # Redis had it already, only the answer was lost


def patient(port: int) -> redis.Redis:
    retry = Retry(ConstantBackoff(0.02), 10_000)
    return redis.Redis(host="127.0.0.1", port=port, db=1, protocol=2, socket_timeout=5, retry=retry)


class Witness:
    """Asks a device for its state all the time."""

    def __init__(self, device: tango.DeviceProxy) -> None:
        self._device = device
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        self.states: set[tango.DevState] = set()
        self.reasons: set[str] = set()

    def testimony(self) -> tuple[set[tango.DevState], str]:
        """All states and all reasons that it saw."""
        self._over.set()
        self._thread.join(60)
        return self.states, "\n".join(sorted(self.reasons))

    def _look(self) -> None:
        with tango.EnsureOmniThread():
            while not self._over.wait(0.05):
                self.states.add(self._device.state())
                self.reasons.add(self._device.status())


def restart(chance: random.Random, longest_s: float, server: EmbeddedRedis) -> None:
    """In order, or by SIGKILL."""
    chance.choice((server.stop, server.kill))()
    time.sleep(chance.uniform(1, longest_s))
    server.start()


def cut(chance: random.Random, longest_s: float, ways: Sequence[Proxy]) -> None:
    """Connections are reset at once, or in the middle of a message; they stall; they fall silent, which is
    noticed after 10 s."""
    for _ in range(chance.randrange(10, 20)):
        time.sleep(chance.uniform(0.02, 0.2))
        way = chance.choice(ways)
        if chance.random() < 0.5:
            way.reset()
        else:
            way.reset_after(chance.randrange(3000))
    ways[0].stall()
    time.sleep(chance.uniform(0.1, 1))
    ways[0].go_on()
    if longest_s > 10:
        ways[0].fall_silent()


@trials(3, 50)
def test_every_point_is_there_once(
    trial: int, full: bool, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Nobody calls a command: the device only says what is wrong meanwhile."""
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    with (
        EmbeddedRedis(tmp_path / "redis") as redis_server,
        Proxy(redis_server.port) as way,
        Proxy(redis_server.port) as publishers_way,
        serving(
            tmp_path / "server",
            *("--nodb", "--session", SESSION, "--redis", f"redis://127.0.0.1:{way.port}/1"),
            variables=VARIABLES,
        ) as server,
    ):
        client = patient(publishers_way.port)
        dataset = SessionPublisher(client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
        beamline = PatientBeamline(client, dataset)
        witness = Witness(server.proxy())
        lengths = LONGER_LENGTHS if full else LENGTHS
        publishing = beamline.run(chance.sample(lengths, len(lengths)))
        longest_s = 30 if full else 2
        time.sleep(chance.uniform(0, 2))
        if cutting := trial % 3 == 2:
            cut(chance, longest_s, (way, publishers_way))
        else:
            restart(chance, longest_s, redis_server)
        back_at = time.monotonic()
        publishing.join(60)
        assert beamline.failure is None, beamline.failure
        for scan in beamline.scans:
            wait_until(lambda s=scan: entry_is_final(s.path, s.entry), f"{scan.entry} complete", 60)  # type: ignore[misc]
        record_property("complete_after_s", time.monotonic() - back_at)
        states, reasons = witness.testimony()
        assert states <= set(WORKING), (states, reasons)
        assert cutting or "Redis is away" in reasons
        wait_until(lambda: server.proxy().status() == "Start listening to Redis events", "all is well")
        client.close()
    for scan in beamline.scans:
        assert_complete(scan)
    assert "Traceback" not in server.output
