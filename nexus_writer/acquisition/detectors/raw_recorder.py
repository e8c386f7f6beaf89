"""Streams as they come, on a disk."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import OverrunError
from ..input_stream import InputStream
from ..nodes import ThreadedNode
from .raw_files import RawFile, write_description

__all__ = ["RawRecorder"]

IDLE_S = 0.002
DRAIN_S = 5.0
QUIET_S = 0.1
_NAME = re.compile(r"[\w.-]+")
NOT_KEPT = ("url", "addr", "port", "shm_id", "heads_id")


class RawRecorder(ThreadedNode):
    """Writes streams into a new ``directory``, each by its name; a ``RawReader`` gives them back.

    ``streams`` are outputs, or their params; they are connected at once, so what they send before the
    ``start`` is recorded too. ``start`` and ``stop`` may come any number of times: each start is a run.
    """

    stop_timeout_s = 15.0

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self._files: dict[str, RawFile] = {}

    def _configure(self, *, streams: Mapping[str, Any], directory: str | Path) -> None:
        for name in streams:
            if not _NAME.fullmatch(name):
                raise ValueError(f"stream {name!r}: use letters, digits, '_', '-' and '.', for a file name")
        self._close_files()
        for stream in self.inputs.values():
            stream.close()
        self.inputs = {name: InputStream(None, self, name) for name in streams}
        for name, output in streams.items():
            self.inputs[name].connect(output)
        self._directory = Path(directory)

    def _initialize(self) -> None:
        """FileExistsError for a directory that is there: nothing is overwritten."""
        self._close_files()
        try:
            self._directory.mkdir(parents=True)
        except FileExistsError:
            raise FileExistsError(f"{self._directory} is there already: give a new directory") from None
        described = {name: _described(stream.params) for name, stream in self.inputs.items()}
        write_description(self._directory, described)
        self._files = {name: RawFile(self._directory, name) for name in self.inputs}

    def _start(self) -> None:
        for file in self._files.values():
            file.begin_run()
        super()._start()

    def _close(self) -> None:
        self._close_files()

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def _run(self) -> None:
        while not self.stopping():
            if not self._take():
                self.pause(IDLE_S)
        end_s, quiet_s = time.monotonic() + DRAIN_S, time.monotonic()
        while time.monotonic() < min(end_s, quiet_s + QUIET_S):
            if self._take():
                quiet_s = time.monotonic()
            else:
                time.sleep(IDLE_S)

    def _take(self) -> bool:
        """What waits in any input; False for nothing."""
        found = False
        for name, stream in self.inputs.items():
            if not stream.poll(0):
                continue
            found = True
            try:
                index, data = stream.recv(return_data=True)
            except OverrunError:  # counted by the stream, and told by the next chunk
                continue
            assert data is not None
            self._files[name].append(index, data, stream.lost)
        return found


def _described(params: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in params.items() if key not in NOT_KEPT}
    made: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return made
