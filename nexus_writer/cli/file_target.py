"""What a command is to read: a file, and maybe an item in it. The file may be one that grows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import h5py

from .errors import CommandError

T = TypeVar("T")

_TRIES = 5
_BETWEEN_TRIES_S = 0.2


@dataclass(frozen=True, slots=True)
class FileTarget:
    """``FILE`` or ``FILE::/item``."""

    path: Path
    item: str = "/"

    @classmethod
    def parse(cls, text: str) -> Self:
        file, _, item = text.partition("::")
        return cls(Path(file), "/" + item.strip("/"))

    def read(self, read: Callable[[h5py.Group | h5py.Dataset], T]) -> T:
        """What ``read`` returns of the item. In a file that is being written it is tried several times.

        Raises CommandError when there is no such file or item, or it cannot be read.
        """
        self.check_file()
        for left in reversed(range(_TRIES)):
            try:
                with h5py.File(self.path) as file:
                    return read(self.found(file))
            except (OSError, RuntimeError, KeyError) as error:
                if not left or not self._may_be_hdf5():
                    raise self.unreadable(error) from None
            time.sleep(_BETWEEN_TRIES_S)
        raise AssertionError("the last try returns or raises")

    def check_file(self) -> None:
        """Raises CommandError when there is no such file, or this user may not read it."""
        if self.path.is_dir():
            raise CommandError(f"{self.path} is a directory: give a file")
        if not self.path.is_file():
            raise CommandError(f"there is no file {self.path}")
        if not os.access(self.path, os.R_OK):
            raise CommandError(f"this user may not read {self.path}: ask as its owner, or as root")

    def unreadable(self, error: Exception) -> CommandError:
        """What to tell the user of HDF5's ``error``."""
        if not self._may_be_hdf5():
            return CommandError(f"{self.path} is not an HDF5 file")
        why = " ".join(str(error).split())
        remedy = f"nexus-writer doctor {self.path} says what to do"
        return CommandError(f"{self.path}::{self.item} cannot be read ({why}): {remedy}")

    def _may_be_hdf5(self) -> bool:
        """As long as the contrary is not known: a disk may refuse what a file's permissions allow."""
        try:
            return bool(h5py.is_hdf5(self.path))
        except OSError:
            return True

    def found(self, file: h5py.File) -> h5py.Group | h5py.Dataset:
        """Raises CommandError when the file has no such item."""
        item = file.get(self.item)
        if item is None:
            names = ", ".join(list(file)[-5:]) or "nothing"
            raise CommandError(f"{self.path} has no {self.item}: the last of what it has are {names}")
        return item
