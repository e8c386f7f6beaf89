"""Processes that the tests start; a spawned backend imports them from here."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from concurrent.futures import Future
from multiprocessing import Pipe
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

from nexus_writer.process import (
    AsyncBackMessageProcess,
    EventGroup,
    MessageObject,
    MessageProcess,
    SyncIndex,
    exclog,
    safe_select,
)
from tests.process.traces import memory_prefix


class Recorder:
    """Writes lines into a file, for who looks from outside."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, line: object) -> None:
        with self._path.open("a") as file:
            file.write(f"{line}\n")

    def lines(self) -> list[str]:
        return self._path.read_text().splitlines() if self._path.exists() else []


class OddError(Exception):
    """Pickles, and can not be made anew from its pickle."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first}-{second}")


class MyProcess(MessageProcess):
    """The class of the name's origin, and commands for all that can happen."""

    def __init__(self, name: str = "my-process", *, record: Path | None = None, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.record = Recorder(record or Path(os.devnull))

    def preRun__(self) -> None:
        self.record(f"preRun {os.getpid()}")

    def postRun__(self) -> None:
        self.record(f"postRun {os.getpid()}")

    def c__myStuff(self, parameter: Any = None) -> None:
        self.record(f"myStuff {parameter} {os.getpid()}")

    def myStuff(self, parameter: Any = None) -> None:
        self.sendMessageToBack(MessageObject("myStuff", parameter=parameter))

    def c__echo(self, data: Any) -> None:
        self.send_out__(MessageObject("echo", data=data))

    def c__send(self, count: int, size: int) -> None:
        for number in range(count):
            self.send_out__((number, bytes(size)))

    def c__add(self, a: int, b: int = 1) -> int:
        return a + b

    def c__fail(self, text: str = "no way") -> None:
        raise LookupError(text)

    def c__fail_oddly(self) -> None:
        raise OddError("one", "two")

    def c__hold(self) -> Future[Any]:
        self.held: Future[Any] = Future()
        return self.held

    def c__let_go(self, value: Any) -> None:
        thread = threading.Thread(target=self._let_go, args=(value,))
        thread.start()
        thread.join()

    def _let_go(self, value: Any) -> None:
        if isinstance(value, Exception):
            self.held.set_exception(value)
        else:
            self.held.set_result((lambda: None) if value == "lambda" else value)

    def c__give(self, what: str) -> Any:
        return {"lambda": lambda: None, "pid": os.getpid(), "sockets": None}[what]

    def c__main(self) -> str | None:
        return getattr(sys.modules["__main__"], "__file__", None)

    def c__sleep(self, duration_s: float) -> None:
        time.sleep(duration_s)

    def c__hold_on(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.send_out__("held")
        while True:
            time.sleep(10)

    def c__kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingProcess(MyProcess):
    on_error = "die"


class FailingStart(MyProcess):
    def preRun__(self) -> None:
        raise OSError("no device")


class ListeningProcess(MessageProcess):
    """Listens to one more pipe; counts how often it looked."""

    timeout = 0.05

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("listening", **kwargs)
        self.other, self.other_end = Pipe()
        self.looked = 0
        self.timeouts: set[float] = set()

    def readPipes__(self, timeout: float) -> None:
        self.looked += 1
        self.timeouts.add(timeout)
        ready, _, _ = safe_select([self.back_pipe, self.other_end], [], [], timeout=timeout)
        for pipe in ready:
            if pipe is self.back_pipe:
                self.handleBackPipe__(pipe)
            else:
                self.send_out__(("other", pipe.recv()))

    def c__looked(self) -> tuple[int, set[float]]:
        return self.looked, self.timeouts


class MemoryProcess(MyProcess):
    """Makes shared memory in the backend, and takes it away at its end."""

    def preRun__(self) -> None:
        self.memory = SharedMemory(memory_prefix() + secrets.token_hex(8), create=True, size=4096)

    def postRun__(self) -> None:
        self.memory.close()
        self.memory.unlink()

    def c__name(self) -> str:
        return self.memory.name


class SyncProcess(MessageProcess):
    """The synchronous call of the name's origin."""

    def __init__(self, name: str = "sync", event_class: Any = None, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.event_group = EventGroup(3, event_class) if event_class else EventGroup(3)

    def c__set(self, event_index: int, delay_s: float = 0.0) -> None:
        time.sleep(delay_s)
        self.event_group.set(event_index)

    def c__never(self, event_index: int) -> None:
        self.logger.debug("does not set %d", event_index)

    def c__fail(self, event_index: int) -> None:
        raise LookupError(f"no event {event_index}")

    def c__kill(self, event_index: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def ask(self, command: str, **kwargs: Any) -> None:
        with SyncIndex(self.event_group) as index:
            self.sendMessageToBack(MessageObject(command, event_index=index, **kwargs))


class MyAsyncProcess(AsyncBackMessageProcess):
    """Commands that are coroutines."""

    def __init__(self, name: str = "my-async", *, record: Path | None = None, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.record = Recorder(record or Path(os.devnull))
        self.tasks: set[asyncio.Task[Any]] = set()

    def preRun__(self) -> None:
        self.record("preRun")

    def postRun__(self) -> None:
        self.record("postRun")

    async def asyncPre__(self) -> None:
        self.record("asyncPre")

    async def asyncPost__(self) -> None:
        self.record("asyncPost")

    async def c__myStuff(self, parameter: Any = None) -> None:
        self.record(f"myStuff {parameter}")

    async def c__echo(self, data: Any) -> None:
        await self.send_out__(data)

    async def c__add(self, a: int, b: int = 1) -> int:
        return a + b

    async def c__fail(self) -> None:
        raise LookupError("no way")

    async def c__slow(self, number: int, duration_s: float = 0.3) -> None:
        await asyncio.sleep(duration_s)
        await self.send_out__(number)

    async def c__slow_task(self, number: int, duration_s: float = 0.3) -> None:
        self.keep(self.slow__(number, duration_s))

    @exclog
    async def slow__(self, number: int, duration_s: float = 0.3) -> None:
        """Slow."""
        await self.c__slow(number, duration_s)

    @exclog
    async def failing__(self) -> None:
        raise LookupError("nobody waits")

    async def c__failing_task(self) -> None:
        self.keep(self.failing__())

    async def c__cancelled_task(self) -> str:
        task = self.keep(self.slow__(0))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"
        return "not cancelled"

    async def c__send(self, count: int, size: int) -> None:
        for number in range(count):
            await self.send_out__((number, bytes(size)))

    async def c__cancelled_send(self, size: int) -> None:
        task = self.keep(self.send_out__(bytes(size)))
        await asyncio.sleep(0.05)
        task.cancel()

    async def c__busy_s(self) -> float:
        return time.process_time()

    async def c__rss(self) -> int:
        return rss_bytes(os.getpid())

    def keep(self, coroutine: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        return task


class FailingAsyncStart(MyAsyncProcess):
    async def asyncPre__(self) -> None:
        raise OSError("no device")


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_thread(func: Any) -> threading.Thread:
    thread = threading.Thread(target=func)
    thread.start()
    return thread
