"""Whole programs that have a backend: ``python -m tests.process.frontends NAME [START_METHOD]``.

Each prints the backend's pid, and what else the test wants to know.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from nexus_writer.process import MessageObject, MessageProcess
from tests.process.programs import MemoryProcess, MyAsyncProcess, MyProcess


def say(*words: Any) -> None:
    print(*words, flush=True)


def waits(start_method: str) -> None:
    """Is there to be killed; its backend is idle."""
    process = MemoryProcess(start_method=start_method)
    process.start()
    say(process.pid, process.call("name").result(60))
    time.sleep(60)


def waits_while_busy(start_method: str) -> None:
    """The same; its backend is at work."""
    process = MemoryProcess(start_method=start_method)
    process.start()
    name = process.call("name").result(60)
    process.sendMessageToBack(MessageObject("sleep", duration_s=60))
    say(process.pid, name)
    time.sleep(60)


def waits_for_asyncio(start_method: str) -> None:
    process = MyAsyncProcess(start_method=start_method)
    process.start(wait=True)
    say(process.pid, "-")
    time.sleep(60)


def forgets_to_stop(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    process.start(wait=True)
    say(process.pid)


def forgets_a_stuck_one(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    process.start(wait=True)
    process.sendMessageToBack(MessageObject("hold_on"))
    process.getPipe().recv()
    say(process.pid)


def is_patched(start_method: str) -> None:
    """gevent is patched into the frontend before all else."""
    from gevent import monkey

    monkey.patch_all()
    process = MyProcess(start_method=start_method)
    process.start(wait=True)
    process.sendPing([1])
    say(process.getPipe().recv()(), process.call("add", a=1).result(60), process.stop())


class PatchedBackend(MessageProcess):
    def preRun__(self) -> None:
        from gevent import monkey

        monkey.patch_all()

    def c__greenlets(self) -> list[int]:
        import gevent

        done: list[int] = []

        def work(number: int) -> None:
            time.sleep(0.05 * (3 - number))
            done.append(number)

        gevent.joinall([gevent.spawn(work, number) for number in range(3)])
        return done


def has_a_patched_backend(start_method: str) -> None:
    process = PatchedBackend(start_method=start_method)
    process.start()
    done = process.call("greenlets").result(60)
    from gevent.monkey import is_anything_patched

    say(done, is_anything_patched(), process.stop())


class WithoutMain(MyProcess):
    import_main = False


def has_no_guard(start_method: str) -> None:
    process = WithoutMain(start_method=start_method)
    process.start()
    say(process.call("main").result(60), process.stop(), sys.modules["__main__"].__spec__ is None)


if __name__ == "__main__":
    from tests.process import frontends

    getattr(frontends, sys.argv[1])(sys.argv[2])
