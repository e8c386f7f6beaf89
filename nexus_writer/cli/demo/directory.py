"""The demo's own directory: nothing in it that the demo did not make is ever touched."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import CommandError

MARK = ".made-by-nexus-writer-demo"
REMEDY = "choose another one with --directory"


@contextmanager
def own_directory(directory: Path) -> Iterator[Path]:
    """An empty folder ``data`` below ``directory``; what an earlier demo left there is removed.

    Raises CommandError where it cannot be made, holds something that is not the demo's, or is in use by
    another demo.
    """
    with ExitStack() as cleanup:
        try:
            data = _take(directory, cleanup)
        except BlockingIOError:
            raise CommandError(f"another demo runs in {directory}: {REMEDY}") from None
        except OSError as error:
            raise CommandError(f"{directory} cannot be used ({error.strerror or error}): {REMEDY}") from None
        yield data


def _take(directory: Path, cleanup: ExitStack) -> Path:
    data = directory / "data"
    if data.exists() and not (directory / MARK).exists():
        raise CommandError(f"{data} was not made by the demo and is left alone: {REMEDY}")
    directory.mkdir(parents=True, exist_ok=True)
    mark = cleanup.enter_context((directory / MARK).open("w"))
    fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if data.exists():
        shutil.rmtree(data)
    data.mkdir()
    return data
