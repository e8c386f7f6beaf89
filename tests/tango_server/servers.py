"""Programs of this project as processes of their own, and a beamline to publish scans for them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import redis
import tango

from nexus_writer.data.publishing import ScanPublisher, ScanSpec, SessionPublisher, sampling, timer
from nexus_writer.data.publishing.chain import DeviceSpec
from tests.ports import free_port as free_port
from tests.waiting import wait_until as wait_until

READY_WITHIN_S = 120.0


def patient(proxy: tango.DeviceProxy) -> tango.DeviceProxy:
    """It waits longer than Tango's 3 s for an answer: the machine may do much else."""
    proxy.set_timeout_millis(60_000)
    return proxy


def environment(**changes: str | None) -> dict[str, str]:
    """This process's, without what would lead to a Redis or a Tango database of others."""
    plain = {
        k: v
        for k, v in os.environ.items()
        if k not in ("TANGO_HOST", "BEACON_HOST", "BEAMLINE", "BEAMLINENAME")
    }
    return plain | {k: v for k, v in changes.items() if v is not None}


def run_program(module: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``python -m module`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Server:
    """A ``NexusWriterService`` in a process of its own; ready when it is made.

    ``entering`` is what its command begins with.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        entering: Sequence[str] = (),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ready_file = directory / "ready"
        self._output = directory / "output.txt"
        if "--nodb" in arguments and not any(one.startswith("--port") for one in arguments):
            arguments += (f"--port={free_port()}",)
        command = [*entering, sys.executable, "-m", "tango_server.service", *arguments]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--ready-file", str(self.ready_file)],
                env=environment(**(variables or {})),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(
            lambda: self.ready_file.exists() or self.process.poll() is not None, "ready", READY_WITHIN_S
        )
        assert self.process.poll() is None, self.output
        self.addresses = self.ready_file.read_text().splitlines()

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._output.read_text()

    def proxy(self, index: int = 0) -> tango.DeviceProxy:
        """A client of one of its devices."""
        return patient(tango.DeviceProxy(self.addresses[index]))

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self) -> None:
        """End it in any case."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def serving(
    directory: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    entering: Sequence[str] = (),
) -> Iterator[Server]:
    """A server for the time of a block."""
    server = Server(directory, *arguments, variables=variables, entering=entering)
    try:
        yield server
    finally:
        server.kill()


class Beamline:
    """A session that publishes scans of two diodes, saved below a directory."""

    def __init__(self, url: str, session: str, directory: Path) -> None:
        self.session = session
        self._client = redis.Redis.from_url(url, protocol=2)
        self._publisher = SessionPublisher(self._client, session)
        self._directory = directory

    def scan(self, dataset: str = "0001", *, diodes: int = 2, title: str = "loopscan 5 0.1") -> ScanPublisher:
        """A scan that is announced and not prepared."""
        channels = tuple(sampling(f"diode{i}", "V") for i in range(1, diodes + 1))
        chain = (timer(DeviceSpec("simulation", channels)),)
        spec = ScanSpec("loopscan", chain, title=title, npoints=5, count_time_s=0.1)
        return self._publisher.dataset(self._directory, "hg123", "sample", dataset).scan(spec)

    def close(self) -> None:
        """Of the connection."""
        self._client.close()


def publish_points(scan: ScanPublisher, number: int) -> None:
    """``number`` points of each channel of a prepared scan."""
    for _ in range(number):
        for channel in scan.channels.values():
            channel.publish(float(channel.points))
    scan.flush()


class Database:
    """PyTango's own Tango database server, empty."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.tango_host = f"127.0.0.1:{self.port}"
        with (directory / "database.txt").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tango.databaseds.database", "2"],
                cwd=directory,
                env=environment(TANGO_HOST=self.tango_host),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers, "Tango database", READY_WITHIN_S)

    def client(self) -> tango.Database:
        """For this process."""
        return tango.Database("127.0.0.1", self.port)

    def proxy(self, device: str) -> tango.DeviceProxy:
        """A client of a registered device."""
        return patient(tango.DeviceProxy(f"tango://{self.tango_host}/{device}"))

    def stop(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the Tango database ended"
        try:
            self.client().get_info()
        except tango.DevFailed:
            return False
        return True
