"""Where log messages go: the terminal, and files that rotate.

Every line reads ``LEVEL TIME LOGGER: message``. Below WARNING it goes to stdout, from WARNING on to stderr;
the latter cannot be switched off, because a writer that fails in silence loses data. Files come on top of it.

``set_up_logging`` may be called again: its own handlers are replaced, never doubled, and two options that
name one file share one handler, for two rotations of one file would lose lines.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Self, TextIO

LOG_FORMAT = "%(levelname)-5s %(asctime)s %(name)s: %(message)s"
LOG_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")
PROJECT_LOGGERS = ("nexus_writer", "tango_server")
MEGABYTE = 2**20
_NEVER = logging.CRITICAL + 1


class LogFileNotWritable(OSError):
    """A log file cannot be opened."""

    def __init__(self, path: Path, error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError)
        remedy = f"make {path.parent}" if missing else "choose another one, or allow it"
        super().__init__(f"cannot write the log file {path} ({error.strerror or error}): {remedy}")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What to log, and where. Field for field the options of the command line."""

    log: str = "WARNING"
    """Level of this project's loggers; those of libraries stay at WARNING."""
    logfile: Path | None = None
    """Gets everything."""
    logfileout: Path | None = None
    """Gets what is below WARNING."""
    logfileerr: Path | None = None
    """Gets the rest."""
    filesize: float = 5.0
    """MB after which a file is rotated; 0 for never."""
    filebackups: int = 9
    """Rotated files that are kept of each."""
    nologstdout: bool = False
    redirectstdout: bool = False
    """What is printed is logged instead, by the logger OUT."""
    redirectstderr: bool = False
    """The same for stderr, by the logger ERR."""

    @classmethod
    def from_arguments(cls, arguments: Namespace) -> Self:
        """From what a parser with ``add_log_arguments`` has read."""
        return cls(**{f.name: getattr(arguments, f.name) for f in fields(cls)})


def log_level(text: str) -> str:
    """A level's name in any case, as ``logging`` spells it. Raises ArgumentTypeError."""
    level = text.upper()
    if level not in LOG_LEVELS:
        raise ArgumentTypeError(f"{text!r} is no log level: choose from {', '.join(LOG_LEVELS)}")
    return level


def add_log_arguments(parser: ArgumentParser) -> None:
    """The options of ``LogOptions``, in a group of their own."""
    default = LogOptions()
    group = parser.add_argument_group("log messages")
    group.add_argument(
        "--log", type=log_level, default=default.log, metavar="LEVEL", help="what to log (%(default)s)"
    )
    group.add_argument("--logfile", type=Path, metavar="FILE", help="log everything into this file")
    group.add_argument("--logfileout", type=Path, metavar="FILE", help="log what is below WARNING into it")
    group.add_argument("--logfileerr", type=Path, metavar="FILE", help="log from WARNING on into it")
    group.add_argument(
        "--filesize",
        type=_not_negative,
        default=default.filesize,
        metavar="MB",
        help="rotate a log file at this size; 0 for never (%(default)s)",
    )
    group.add_argument(
        "--filebackups",
        type=_count,
        default=default.filebackups,
        metavar="N",
        help="keep so many rotated files (%(default)s)",
    )
    group.add_argument(
        "--nologstdout", action="store_true", help="log nothing to stdout; from WARNING on it goes to stderr"
    )
    group.add_argument("--redirectstdout", action="store_true", help="log what is printed to stdout")
    group.add_argument("--redirectstderr", action="store_true", help="log what is printed to stderr")


def set_up_logging(options: LogOptions) -> None:
    """Make the handlers, and replace those of an earlier call. Raises LogFileNotWritable."""
    handlers = _handlers(options)
    tear_down_logging()
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(_Formatter(LOG_FORMAT))
        root.addHandler(handler)
    _state.handlers = handlers
    set_log_level(logging.getLevelNamesMapping()[options.log])
    for name in ("OUT", "ERR"):
        logging.getLogger(name).setLevel(logging.INFO)
    if options.redirectstdout:
        sys.stdout = _PrintLogger(logging.getLogger("OUT"), logging.INFO, _terminal(sys.stdout))
    if options.redirectstderr:
        sys.stderr = _PrintLogger(logging.getLogger("ERR"), logging.ERROR, _terminal(sys.stderr))


class _Formatter(logging.Formatter):
    """Only records begin at the beginning of a line: names that come from Redis cannot forge one."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "").replace("\n", "\n    ")


def tear_down_logging() -> None:
    """Take away what ``set_up_logging`` has set up, and close its files."""
    for handler in _state.handlers:
        logging.getLogger().removeHandler(handler)
        handler.close()
    _state.handlers = []
    if isinstance(sys.stdout, _PrintLogger):
        sys.stdout = sys.stdout.original
    if isinstance(sys.stderr, _PrintLogger):
        sys.stderr = sys.stderr.original


def set_log_level(level: int) -> None:
    """Of this project's loggers, while the program runs."""
    for name in PROJECT_LOGGERS:
        logging.getLogger(name).setLevel(level)


def get_log_level() -> int:
    """Of this project's loggers."""
    return logging.getLogger(PROJECT_LOGGERS[0]).level


class _State:
    """The handlers that ``set_up_logging`` made last."""

    handlers: Sequence[logging.Handler] = ()


_state = _State()


class _Band(logging.Filter):
    """Lets records through from one level to below another."""

    def __init__(self, lowest: int, below: int) -> None:
        super().__init__()
        self.lowest = lowest
        self.below = below

    def filter(self, record: logging.LogRecord) -> bool:
        return self.lowest <= record.levelno < self.below


def _handlers(options: LogOptions) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if not options.nologstdout:
        handlers.append(_with_band(logging.StreamHandler(_terminal(sys.stdout)), 0, logging.WARNING))
    handlers.append(_with_band(logging.StreamHandler(_terminal(sys.stderr)), logging.WARNING, _NEVER))
    try:
        for path, lowest, below in _files(options):
            handlers.append(_with_band(_open(path, options), lowest, below))
    except LogFileNotWritable:
        for handler in handlers:
            handler.close()
        raise
    return handlers


def _files(options: LogOptions) -> Iterator[tuple[Path, int, int]]:
    """Each file once, with the band of levels that all options together want in it."""
    bands: dict[Path, tuple[int, int]] = {}
    wanted = (
        (options.logfile, 0, _NEVER),
        (options.logfileout, 0, logging.WARNING),
        (options.logfileerr, logging.WARNING, _NEVER),
    )
    for path, lowest, below in wanted:
        if path is not None:
            known = bands.get(path.resolve(), (lowest, below))
            bands[path.resolve()] = (min(known[0], lowest), max(known[1], below))
    for path, (lowest, below) in bands.items():
        yield path, lowest, below


def _open(path: Path, options: LogOptions) -> logging.Handler:
    """In a directory that is there: one that is missing is more often a typing mistake than a wish."""
    size = int(options.filesize * MEGABYTE)
    try:
        return RotatingFileHandler(path, maxBytes=size, backupCount=options.filebackups, encoding="utf-8")
    except OSError as error:
        raise LogFileNotWritable(path, error) from error


def _with_band(handler: logging.Handler, lowest: int, below: int) -> logging.Handler:
    handler.addFilter(_Band(lowest, below))
    return handler


def _terminal(stream: TextIO) -> TextIO:
    """The stream behind a redirection: a log handler that writes into a logger would never end."""
    return stream.original if isinstance(stream, _PrintLogger) else stream


def _not_negative(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < math.inf:
            return float(text)
    raise ArgumentTypeError(f"{text!r} is no size: give a number of MB, 0 for no rotation")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number of files: give 0 or more")


class _PrintLogger(io.TextIOBase):
    """A text stream whose lines become log messages."""

    def __init__(self, to: logging.Logger, level: int, original: TextIO) -> None:
        self.original = original
        self._to = to
        self._level = level
        self._line = threading.local()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.original.fileno()

    def write(self, text: str) -> int:
        """Whole lines are logged, the rest waits for its end; each thread has its own line.

        What a log handler itself prints, because it failed, goes to the terminal.
        """
        if getattr(self._line, "logging", False):
            return self.original.write(text)
        *lines, self._line.rest = (getattr(self._line, "rest", "") + text).split("\n")
        self._line.logging = True
        try:
            for line in filter(None, map(str.rstrip, lines)):
                self._to.log(self._level, "%s", line)
        finally:
            self._line.logging = False
        return len(text)

    def flush(self) -> None:
        self.original.flush()
