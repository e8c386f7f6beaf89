"""The directories below which a writer writes, whatever the scans that it gets say.

A path is looked at as it is when it is asked about: who may make symbolic links below a root at the same
moment can still lead a writer out of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class OutsideRoots(ValueError):
    """A path from Redis or from a client leads out of the directories that are allowed."""

    def __init__(self, path: str, roots: Iterable[str]) -> None:
        super().__init__(
            f"{path} is not below {' or '.join(roots)}: save there, or have the directory added to the "
            "option roots of the writer"
        )
        self.path = path


class BadRoot(ValueError):
    """A root that is no absolute directory."""

    def __init__(self, text: str) -> None:
        super().__init__(f"root {text!r} is no absolute directory: give one that begins with /, like /data")


@dataclass(frozen=True, slots=True)
class Roots:
    """Directories, absolute and without symbolic links; none: everything is allowed."""

    directories: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From absolute paths; links in them are followed. Raises BadRoot."""
        found = []
        for text in texts:
            if not text.startswith("/") or "\0" in text:
                raise BadRoot(text)
            found.append(os.path.realpath(text))
        return cls(tuple(found))

    def check(self, path: str | os.PathLike[str]) -> None:
        """Raises OutsideRoots for a path that is not below a root: as it stands, by ``..``, or by a link.

        Any ``..`` is refused. The path, or a part of it, need not exist.
        """
        if not self.directories:
            return
        text = os.fspath(path)
        if not text.startswith("/") or "\0" in text or ".." in Path(text).parts:
            raise OutsideRoots(text, self.directories)
        real = os.path.realpath(text)
        if not any(real == root or real.startswith(root.rstrip("/") + "/") for root in self.directories):
            raise OutsideRoots(text, self.directories)
