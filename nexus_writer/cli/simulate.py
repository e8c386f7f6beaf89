"""``nexus-writer simulate``: a beamline without hardware, from a file."""

from __future__ import annotations

import json
import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import redis

from nexus_writer.acquisition import AcquisitionError
from nexus_writer.simulation import BadBeamline, BeamlineSettings, Outcome, Simulation, example, load

from .errors import CommandError, UsageError

__all__ = ["beamline_from", "print_example", "simulate", "summary", "write_sent"]

ABORTED_EXIT_CODE = 130
MOST_TOLD = 5


class Aborted(CommandError):
    """Ended by Ctrl-C or SIGTERM, everything cleaned up."""

    exit_code = ABORTED_EXIT_CODE


def beamline_from(file: Path) -> BeamlineSettings:
    """Raises UsageError, with the line of the file that is wrong."""
    try:
        return load(file)
    except BadBeamline as error:
        raise UsageError(str(error)) from None


def print_example() -> None:
    """A file with everything in it."""
    print(example(), end="")


def simulate(
    file: Path, *, redis_url: str | None, beacon: str | None, directory: Path | None, sent: Path | None
) -> None:
    """Run the scans of the file and say what was sent. Raises CommandError when a scan failed, Aborted."""
    beamline = beamline_from(file)
    if directory is not None:
        beamline = beamline.model_copy(update={"directory": directory.resolve()})
    if beamline.directory.exists() and not beamline.directory.is_dir():
        raise UsageError(f"{beamline.directory} is no directory: give another one by --directory")
    if sent is not None:
        _make(sent)
    simulation = Simulation(beamline, redis_url, beacon=beacon)
    tally = _Tally()
    try:
        with _ending_by_signals(simulation), _warnings_in_lines(), closing(simulation.run()) as outcomes:
            for outcome in outcomes:
                tally.add(outcome)
                print(summary(outcome), flush=True)
                if sent is not None:
                    write_sent(outcome, sent)
    except BrokenPipeError:  # nobody reads what is printed: see main()
        raise
    except (AcquisitionError, OSError, redis.RedisError) as error:
        raise CommandError(f"the simulation ended: {error}") from None
    except MemoryError as error:
        raise CommandError(f"memory is short ({error}): give smaller cameras, or fewer of them") from None
    if simulation.aborted:
        raise Aborted(f"ended by a signal, after {tally.scans} scans; the last was ended as USER_ABORT")
    if tally.failed:
        raise CommandError(str(tally))


class _Tally:
    """How many scans there were, and why some failed: the first ones, for there may be any number."""

    def __init__(self) -> None:
        self.scans = self.failed = 0
        self._why: list[str] = []

    def add(self, outcome: Outcome) -> None:
        self.scans += 1
        if outcome.message or not outcome.complete:
            self.failed += 1
            if self.failed <= MOST_TOLD:
                self._why.append(f"{outcome.name}: {outcome.message or 'samples were lost'}")

    def __str__(self) -> str:
        more = self.failed - len(self._why)
        return "; ".join(self._why) + (f"; and {more} more" if more else "")


def summary(outcome: Outcome) -> str:
    """What was sent, a line for the scan and one for each stream."""
    lines = [
        f"{outcome.name}  {outcome.reason}  {outcome.points} points of {_channels(outcome)} channels in "
        f"{outcome.seconds:.1f} s  {outcome.scan.filename}"
    ]
    for name, stream in outcome.streams.items():
        lost = outcome.received[name]["lost"]
        what = ", ".join(one.name for one in stream.channels[:3]) + (
            " ..." if len(stream.channels) > 3 else ""
        )
        told = f"  {lost} LOST" if lost else ""
        lines.append(f"    {name}: {stream.points} x {what}  sha256 {stream.sha256[:12]}{told}")
    return "\n".join(lines)


def write_sent(outcome: Outcome, directory: Path) -> None:
    """``NAME.json``: what the nodes say they sent, by full name of the channel, with digests of all bytes."""
    channels = {
        outcome.fullname(name, one.name): asdict(one)
        for name, stream in outcome.streams.items()
        for one in stream.channels
    }
    told = {"scan": outcome.scan.key, "filename": outcome.scan.filename, "title": outcome.scan.spec.title}
    told |= {"reason": str(outcome.reason), "message": outcome.message}
    text = json.dumps({**told, "channels": channels}, indent=1)
    (directory / f"{outcome.name}.json").write_text(text, encoding="utf-8")


def _channels(outcome: Outcome) -> int:
    return sum(len(stream.channels) for stream in outcome.streams.values())


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"--sent {directory} cannot be made ({error.strerror}): give another path"
        ) from None


class _OneLine(logging.Formatter):
    """Without tracebacks: what failed is told by the outcome of its scan."""

    def format(self, record: logging.LogRecord) -> str:
        return f"nexus-writer: {' '.join(record.getMessage().split())}"


@contextmanager
def _warnings_in_lines() -> Iterator[None]:
    """What nodes and publishers warn of, on stderr."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def _ending_by_signals(simulation: Simulation) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the scans that run, as a user would; the second time there is no waiting for
    Redis."""

    def abort(number: int, frame: FrameType | None) -> None:
        if simulation.aborted:
            raise KeyboardInterrupt
        simulation.abort()

    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    before: list[Any] = [signal.signal(number, abort) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
