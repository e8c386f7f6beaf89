"""The operating system refuses one read, write or sync of one file: the nth, once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexus_writer.hdf5 import places, reservation, staged_writes


class Refusal:
    """Of call ``number`` of those on the file at ``path``, all of which are counted in ``calls``.

    A write that is refused was done by half. ``then`` is called at once; ``what`` says what it was.
    """

    def __init__(self, path: Path, number: int, then: Callable[[], object]) -> None:
        self.what = ""
        self.calls = 0
        self._path = path
        self._number = number
        self._then = then

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pwrite = os.pwrite

        def half_of_it(descriptor: int, data: Any, address: int) -> None:
            pwrite(descriptor, memoryview(data)[: len(data) // 2], address)

        for module, name, number in (
            (os, "preadv", errno.EIO),
            (os, "fsync", errno.EIO),
            (os, "ftruncate", errno.ENOSPC),
            (staged_writes, "commit", errno.ENOSPC),
        ):
            self._refuse(monkeypatch, module, name, number)
        self._refuse(monkeypatch, os, "pwrite", errno.ENOSPC, half_of_it)
        for module in (places, reservation):
            self._refuse(monkeypatch, module, "fallocate", errno.ENOSPC, returned=errno.ENOSPC)

    def _refuse(
        self,
        monkeypatch: pytest.MonkeyPatch,
        module: Any,
        name: str,
        number: int,
        part: Callable[..., None] = lambda *_: None,
        returned: int | None = None,
    ) -> None:
        original = getattr(module, name)

        def call(descriptor: int, *arguments: Any) -> Any:
            if not self._is_next(descriptor):
                return original(descriptor, *arguments)
            part(descriptor, *arguments)
            self.what = name
            self._then()
            if returned is None:
                raise OSError(number, os.strerror(number))
            return returned

        monkeypatch.setattr(module, name, call)

    def _is_next(self, descriptor: int) -> bool:
        if not self._path.exists() or not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            return False
        self.calls += 1
        return self.calls == self._number
