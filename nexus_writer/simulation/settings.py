"""What a simulated beamline is: what a file may tell of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

__all__ = ["BeamlineSettings"]

MOST_PIXELS = 2**25
"""A camera keeps 12 frames."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
Points = Annotated[int, Field(ge=1, le=10**9)]
Seconds = Annotated[float, Field(gt=0, le=10**7)]
Rate = Annotated[float, Field(gt=0, le=10**6)]
CountTime = Annotated[float, Field(ge=1e-6, le=10**7)]
Line = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
Places = dict[Name, tuple[float, Annotated[float, Field(gt=0)]]]
"""Centre and width of a response, by motor."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Motor(_Model):
    """``offset`` is what the user's position is above the dial's."""

    position: float = 0.0
    units: str = "mm"
    offset: float = 0.0


class Response(_Model):
    """``level``, and ``peak`` more where all motors of ``at`` are at their centres; ``drift_per_s`` is added.

    ``noise`` 1.0 is that of counting, in square roots of the value.
    """

    level: float = 1000.0
    noise: Annotated[float, Field(ge=0)] = 1.0
    units: str = ""
    peak: float = 0.0
    at: Places = {}
    shape: Literal["gaussian", "lorentzian"] = "gaussian"
    drift_per_s: float = 0.0


class Counter(_Model):
    """Single values that respond to motors."""

    kind: Literal["counter"]
    channels: Annotated[dict[Name, Response], Field(min_length=1)]
    rate_hz: Rate = 10.0
    sampling: bool = False

    def channel_names(self, _name: str) -> list[str]:
        return list(self.channels)


class Counters(_Model):
    """Many plain counters, to be fast."""

    kind: Literal["counters"]
    channels: Annotated[int, Field(ge=1, le=10_000)] = 1
    rate_hz: Rate = 1000.0
    level: float = 1000.0
    noise: Annotated[float, Field(ge=0)] = 1.0
    units: str = ""
    dtype: Literal["float64", "float32", "int32", "int64"] = "float64"

    def channel_names(self, name: str) -> list[str]:
        return [name] if self.channels == 1 else [f"{name}_{number}" for number in range(self.channels)]


class Spectrum(_Model):
    """One spectrum for each point: ``lines`` are (eV, counts), ``responding`` those that follow motors."""

    kind: Literal["spectrum"]
    bins: Annotated[int, Field(ge=8, le=65536)] = 1024
    ev_per_bin: Annotated[float, Field(gt=0)] = 10.0
    lines: list[Line] = [(9200.0, 120.0)]
    responding: list[Line] = []
    at: Places = {}
    rate_hz: Rate = 10.0

    def channel_names(self, _name: str) -> list[str]:
        return ["spectrum_det0"]


class Camera(_Model):
    """Frames, in HDF5 files as Lima saves them, or in Redis when ``save`` is False."""

    kind: Literal["camera"]
    shape: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=4)]] = (256, 256)
    dtype: Literal["uint8", "uint16", "uint32", "float32"] = "uint16"
    rate_hz: Rate = 5.0
    frames_per_file: Points = 100
    save: bool = True

    @field_validator("shape")
    @classmethod
    def _fits(cls, shape: tuple[int, int]) -> tuple[int, int]:
        if math.prod(shape) > MOST_PIXELS:
            raise ValueError(f"{shape[0]} x {shape[1]} pixels, and {MOST_PIXELS} fit into memory: give less")
        return shape

    def channel_names(self, name: str) -> list[str]:
        return ["image" if self.save else name]


Detector = Annotated[Counter | Counters | Spectrum | Camera, Field(discriminator="kind")]


class _Scan(_Model):
    """``move``: where motors go before it. ``plot`` is the channel or detector that a viewer shows first."""

    detectors: Annotated[list[Name], Field(min_length=1)]
    count_time_s: CountTime = 0.1
    title: str = ""
    plot: Name | None = None
    move: dict[Name, float] = {}

    @property
    def moved(self) -> Sequence[str]:
        """Motors that it moves, the fast one first."""
        return ()


class Loopscan(_Scan):
    """``npoints`` of each detector, ``count_time_s`` each."""

    type: Literal["loopscan"]
    npoints: Points


class Timescan(_Scan):
    """As a loopscan, or for ``duration_s``: each detector at a rate of its own then."""

    type: Literal["timescan"]
    npoints: Points | None = None
    duration_s: Seconds | None = None

    @model_validator(mode="after")
    def _either(self) -> Timescan:
        if (self.npoints is None) == (self.duration_s is None):
            raise ValueError("give npoints or duration_s, one of them")
        return self


class Ascan(_Scan):
    """``npoints`` positions from ``start`` to ``stop``, both included."""

    type: Literal["ascan"]
    motor: Name
    start: float
    stop: float
    npoints: Annotated[int, Field(ge=2, le=10**9)]

    @property
    def moved(self) -> Sequence[str]:
        return (self.motor,)


Axis = tuple[float, float, Annotated[int, Field(ge=2, le=10**6)]]


class Amesh(_Scan):
    """A grid: (start, stop, points) of two motors, the fast one first."""

    type: Literal["amesh"]
    motors: Annotated[dict[Name, Axis], Field(min_length=2, max_length=2)]

    @property
    def moved(self) -> Sequence[str]:
        return tuple(self.motors)


Scan = Annotated[Loopscan | Timescan | Ascan | Amesh, Field(discriminator="type")]


class Together(_Model):
    """Scans that run at the same time."""

    together: Annotated[list[Scan], Field(min_length=2)]


def _which(found: Any) -> str:
    is_together = isinstance(found, Together) or (isinstance(found, dict) and "together" in found)
    return "together" if is_together else "scan"


Step = Annotated[Annotated[Together, Tag("together")] | Annotated[Scan, Tag("scan")], Discriminator(_which)]


class Dataset(_Model):
    proposal: Name = "hg123"
    collection: Name = "sample"
    dataset: Annotated[str, Field(pattern=r"^\w+$")] = "0001"
    beamline: Name = "id00"
    metadata: dict[str, Any] = {}


class BeamlineSettings(_Model):
    """A session, what it measures with, and what it measures."""

    session: Name = "simulated"
    directory: Path = Path("simulated_data")
    dataset: Dataset = Dataset()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    processes: Annotated[int, Field(ge=0, le=64)] = 0
    repeat: Points = 1
    pause_s: Annotated[float, Field(ge=0, le=10**6)] = 0.5
    flush_period_s: Seconds = 0.1
    on_lag: Literal["wait", "warn"] = "wait"
    end_within_s: Annotated[float, Field(ge=0, le=10**6)] = 600.0
    motors: dict[Name, Motor] = {}
    detectors: Annotated[dict[Name, Detector], Field(min_length=1)]
    scans: Annotated[list[Step], Field(min_length=1)]
    categories: dict[Name, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _refers(self) -> BeamlineSettings:
        for where, scan in self.numbered():
            _known(f"scans.{where}.detectors", scan.detectors, self.detectors)
            _known(f"scans.{where}", [*scan.moved, *scan.move], self.motors, "motor")
            if len(set(scan.detectors)) < len(scan.detectors):
                raise ValueError(f"scans.{where}.detectors: each once")
            if scan.plot and not self.plotted(scan):
                names = [name for one in scan.detectors for name in self.detectors[one].channel_names(one)]
                _known(f"scans.{where}.plot", [scan.plot], names, "channel")
        if "timer" in self.motors:
            raise ValueError("motors.timer: give it another name, that is the master of all scans")
        for name, detector in self.detectors.items():
            for response in _responses(detector):
                _known(f"detectors.{name}.at", response, self.motors, "motor")
            if name in ("axis", "timer") or name in self.motors:
                raise ValueError(f"detectors.{name}: give it another name, that is a motor or a master")
        return self

    def plotted(self, scan: Any) -> list[str]:
        """Full names of the channels that its ``plot`` means."""
        names = [(one, name) for one in scan.detectors for name in self.detectors[one].channel_names(one)]
        found = [pair for pair in names if pair[1] == scan.plot] or [
            pair for pair in names if pair[0] == scan.plot
        ]
        return [":".join(pair) for pair in found]

    def steps(self) -> Iterator[list[Any]]:
        """The scans that run at once, step by step."""
        for step in self.scans:
            yield list(step.together) if isinstance(step, Together) else [step]

    def numbered(self) -> Iterator[tuple[str, Any]]:
        """All scans, each with its place in the file."""
        for number, step in enumerate(self.scans):
            if isinstance(step, Together):
                for other, scan in enumerate(step.together):
                    yield f"{number}.together.{other}", scan
            else:
                yield str(number), step


def _responses(detector: Any) -> list[Places]:
    if isinstance(detector, Counter):
        return [channel.at for channel in detector.channels.values()]
    return [detector.at] if isinstance(detector, Spectrum) else []


def _known(where: str, names: Sequence[str] | Places, known: Any, what: str = "detector") -> None:
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ValueError(f"{where}: there is no {what} {name!r}, there is {there}")
