"""The program of the manual: workers in processes of their own, and a context that looks after them."""

from __future__ import annotations

import queue
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nexus_writer.process import MainContext, MessageObject, MessageProcess, safe_select


class Worker(MessageProcess):
    def c__square(self, number: int) -> None:
        self.send_out__(MessageObject("square", number=number, result=number**2))


class Workers(MainContext):
    def __init__(self, count: int) -> None:
        self.count = count
        self.results: queue.Queue[tuple[int, int]] = queue.Queue()
        super().__init__()

    def startProcesses(self) -> None:
        self.processes = [Worker(f"worker-{number}") for number in range(self.count)]
        self.process_by_pipe: dict[Any, Worker] = {process.getPipe(): process for process in self.processes}
        for process in self.processes:
            process.ignoreSIGINT()
            process.start()

    def startThreads(self) -> None:
        pass

    def __call__(self) -> None:
        while self.loop:
            try:
                ready, _, _ = safe_select([self.aux_pipe_read, *self.process_by_pipe], [], [], timeout=1)
                for pipe in ready:
                    self.take(pipe)
            except KeyboardInterrupt:
                self.loop = False
        self.close()

    def take(self, pipe: Any) -> None:
        message = pipe.recv()
        if pipe is self.aux_pipe_read:
            self.loop = False
        else:
            self.results.put((message["number"], message["result"]))

    def squares(self, numbers: Iterable[int]) -> dict[int, int]:
        asked = list(numbers)
        for number in asked:
            self.processes[number % self.count].sendMessageToBack(MessageObject("square", number=number))
        found = {}
        while len(found) < len(asked):
            for pipe in safe_select(list(self.process_by_pipe), [], [], timeout=60)[0]:
                self.take(pipe)
                number, result = self.results.get()
                found[number] = result
        return found

    def close(self) -> None:
        for process in self.processes:
            process.requestStop()
        for process in self.processes:
            process.waitStop()


def main(ready: str) -> None:
    """Five workers until Ctrl-C."""
    workers = Workers(5)
    workers.squares(range(5))
    Path(ready).touch()
    workers()
