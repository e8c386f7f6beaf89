"""Runs the Tango server loop, and says when clients can come."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import tango
from tango import GreenMode
from tango.server import run

from nexus_writer.interpreter import pass_over_what_is_there

from . import log_levels
from .arguments import leave
from .device import NexusWriter

logger = logging.getLogger(__name__)


class ReadyFileNotWritable(OSError):
    """Nobody could be told that the devices can be used."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"--ready-file {path} cannot be made ({error.strerror}): give another path")


def serve(
    device_class: type[NexusWriter],
    arguments: Sequence[str],
    addresses: Sequence[str],
    *,
    ready_file: Path | None,
    tango_level: str | None,
) -> None:
    """Until SIGTERM, SIGINT or the Kill command of the admin device. ``arguments`` are those of Tango.

    When the devices can be used, their addresses are printed, one a line, and written into ``ready_file``.
    """
    if tango_level is not None:
        device_class.first_tango_level = log_levels.from_name(tango_level)
    announcement = _Announcement(addresses, ready_file)
    with _removed_at_end(ready_file):
        try:
            run(
                [device_class],
                args=list(arguments),
                green_mode=GreenMode.Gevent,
                post_init_callback=announcement.make,
                msg_stream=None,
                raises=True,
            )
        except KeyboardInterrupt:
            pass
        except tango.DevFailed as error:
            leave(f"{arguments[0]}/{arguments[1]} cannot be served: {error.args[0].desc}", 1)
        except RuntimeError as error:
            # PyTango's gevent server trips over its own clean-up; every device was finalised before that
            if not announcement.made or str(error) != "Caught an unknown exception!":
                raise


class _Announcement:
    """That the devices can be used."""

    def __init__(self, addresses: Sequence[str], ready_file: Path | None) -> None:
        self.made = False
        self._addresses = addresses
        self._ready_file = ready_file

    def make(self) -> None:
        self.made = True
        pass_over_what_is_there()
        for address in self._addresses:
            print(address, flush=True)  # noqa: T201 - who started the program reads it
        if self._ready_file is not None:
            try:
                _write_whole(self._ready_file, "".join(f"{address}\n" for address in self._addresses))
            except OSError as error:  # since it was tried
                logger.error("%s", ReadyFileNotWritable(self._ready_file, error))


def check_ready_file(path: Path) -> None:
    """Before anything is served: it could be made. Raises ReadyFileNotWritable.

    The file itself is not tried: who waits for it would take it for the real one.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _part_of(path)
        part.touch()
        part.unlink()
    except OSError as error:
        raise ReadyFileNotWritable(path, error) from error


def _write_whole(path: Path, text: str) -> None:
    """A reader sees the file complete, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part_of(path)
    part.write_text(text)
    part.replace(path)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


@contextlib.contextmanager
def _removed_at_end(path: Path | None) -> Iterator[None]:
    try:
        yield
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
