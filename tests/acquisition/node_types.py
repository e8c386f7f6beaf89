"""Node classes of the tests; also made by name in processes of their own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import time
import types
from typing import Any, ClassVar

import numpy as np

from nexus_writer.acquisition import LocalHost, Node, ThreadedNode

SIGNAL: dict[str, Any] = {"dtype": "int64", "shape": (-1, 2)}


class Told(Node):
    """Writes down which of its hooks were called; raises in the one that is told to."""

    _input_specs: ClassVar = {"first": SIGNAL, "second": SIGNAL}
    _output_specs: ClassVar = {"out": SIGNAL}

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self.called: list[str] = []
        self.raising: tuple[str, BaseException] | None = None

    def _told(self, hook: str) -> None:
        self.called.append(hook)
        if self.raising and self.raising[0] == hook:
            raise self.raising[1]

    def _configure(self, rate: float = 1.0) -> None:
        self._told("configure")
        self.rate = rate

    def _initialize(self) -> None:
        self._told("initialize")

    def _start(self) -> None:
        self._told("start")

    def _stop(self) -> None:
        self._told("stop")

    def _close(self) -> None:
        self._told("close")

    def check_input_specs(self) -> None:
        self._told("check inputs")

    def check_output_specs(self) -> None:
        self._told("check outputs")

    def after_input_connect(self, name: str) -> None:
        self._told(f"connected {name}")

    def after_output_configure(self, name: str) -> None:
        self._told(f"configured {name}")


class Source(ThreadedNode):
    """Sends numbers that count up, in chunks of 10 samples; ``total`` of them, or without an end."""

    _output_specs: ClassVar = {"signal": SIGNAL}

    def _configure(self, total: int = 0, pause_s: float = 0.001) -> None:
        self._total, self._pause_s = total, pause_s

    def _run(self) -> None:
        sent = 0
        while (not self._total or sent < self._total) and self.pause(self._pause_s):
            numbers = np.arange(sent, sent + 10)
            self.output.send(np.stack([numbers, 2 * numbers], axis=1))
            sent += 10


class Doubler(ThreadedNode):
    """Passes on what it receives, times two."""

    _input_specs: ClassVar = {"signal": SIGNAL}
    _output_specs: ClassVar = {"signal": SIGNAL}

    def _run(self) -> None:
        for index, data in self.chunks(self.input):
            self.output.send(2 * data, index)


class Sink(ThreadedNode):
    """Adds up what it receives."""

    _input_specs: ClassVar = {"signal": SIGNAL}

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self.samples = 0
        self.total = 0

    def _run(self) -> None:
        self.samples = self.total = 0
        for _, data in self.chunks(self.input, drain_s=5.0):
            self.samples += len(data)
            self.total += int(data.sum())

    def received(self) -> tuple[int, int]:
        return self.samples, self.total


class Failing(ThreadedNode):
    """Fails as soon as it is told to."""

    def _configure(self) -> None:
        self.fails = threading.Event()

    def fail(self) -> None:
        self.fails.set()

    def _run(self) -> None:
        self.fails.wait()
        raise OSError(5, "the detector is on fire")


class DetectorOnFireError(RuntimeError):
    """An error of a node's own."""

    def __init__(self, degrees: int) -> None:
        super().__init__(degrees)
        self.degrees = degrees


class Asked(Node):
    """Has methods of its own, to be called from other processes."""

    _input_specs: ClassVar = {"first": SIGNAL, "second": SIGNAL}

    def __init__(self, name: str | None = None, fails_to_start: bool = False) -> None:
        super().__init__(name)
        self.fails_to_start = fails_to_start
        self.temperature = 21.5
        self.starts = 0

    def _start(self) -> None:
        self.starts += 1
        if self.fails_to_start:
            raise DetectorOnFireError(1000)

    def _stop(self) -> None:
        pass

    def pid(self) -> int:
        return os.getpid()

    def add(self, *numbers: int, scale: int = 1) -> int:
        return scale * sum(numbers)

    def burn(self, degrees: int) -> None:
        raise DetectorOnFireError(degrees)

    def hold(self, seconds: float) -> None:
        self.logger.warning("holds on")
        time.sleep(seconds)

    def say(self, text: str) -> None:
        self.logger.warning("%s was said", text)
        self.logger.info("%s was whispered", text)
        print(f"{text} was written", file=sys.stderr)

    def crash(self) -> None:
        other = subprocess.Popen(["sleep", "60"])  # it has the same stderr, and lives on
        os.write(2, b"last words of the parent of %d" % other.pid)
        os.abort()

    def handle(self) -> object:
        return threading.Lock()

    def give_only_there(self) -> object:
        """An object of a class that other processes do not know."""
        module = sys.modules["only_there"] = types.ModuleType("only_there")
        module.Theirs = type("Theirs", (), {"__module__": "only_there"})  # type: ignore[attr-defined]
        return module.Theirs()

    def application(self) -> str:
        """The class of Qt's application in this process."""
        from nexus_writer.acquisition.nodes.qt import check_qt

        widgets = importlib.import_module(f"{check_qt()}.QtWidgets")
        return type(widgets.QApplication.instance()).__name__


class SiteHost(LocalHost):
    """A kind of host that a site has."""

    def __init__(self, address: str) -> None:
        super().__init__(address.removeprefix("site://"))
