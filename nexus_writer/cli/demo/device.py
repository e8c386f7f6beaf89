"""The Tango device of the demo: a server process without a Tango database."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import CommandError

READY_WITHIN_S = 30.0
END_WITHIN_S = 10.0


class DemoDevice:
    """Context manager: the server runs inside; its output goes into a log file."""

    address: str
    """Of the device, for a ``tango.DeviceProxy``."""

    def __init__(self, session: str, redis_url: str, log: Path) -> None:
        self._session = session
        self._redis_url = redis_url
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if importlib.util.find_spec("tango") is None:
            raise CommandError("the demo needs Tango: install the extra `demo` of nexus-writer")
        with tempfile.TemporaryDirectory() as directory, self._log.open("wb") as log:
            ready_file = Path(directory) / "ready"
            command = [
                sys.executable,
                "-m",
                "tango_server.service",
                "demo",
                "--nodb",
                "--session",
                self._session,
            ]
            command += ["--redis", self._redis_url, "--ready-file", str(ready_file), "--log", "info"]
            # a session of its own: Ctrl-C ends the demo, and the demo ends the server
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            try:
                self.address = self._wait_for(ready_file)
            except BaseException:
                self._end()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _wait_for(self, ready_file: Path) -> str:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if ready_file.exists() and (address := ready_file.read_text().strip()):
                return address
            time.sleep(0.05)
        raise CommandError(f"the Tango device did not start: {self._log} says why")

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
