"""Which nodes a scan of a simulated beamline needs, and what is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from nexus_writer.acquisition.publishing import StreamScan
from nexus_writer.data.publishing import Position

from . import settings as of
from .responding import Seen
from .trajectories import Path, Places

__all__ = ["NodePlan", "ScanPlan", "plan_scan"]

SAMPLING = {"device_info": {"type": "samplingcounter", "mode": "MEAN"}, "device_type": "samplingcounter"}
MCA = {"device_info": {"type": "mca"}, "device_type": "mca"}


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A node, by the name of its class, and which outputs are streams: {output: name of the stream}."""

    name: str
    node_type: str
    parameters: Mapping[str, Any]
    streams: Mapping[str, str]
    npoints: int


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """``nodes`` send the points of ``scan``; the timer is the first, motors come next."""

    scan: StreamScan
    nodes: Sequence[NodePlan]
    seconds: float
    ends: Mapping[str, float] = field(default_factory=dict)
    """Where the motors are behind it."""


def plan_scan(
    beamline: of.BeamlineSettings, scan: Any, positions: Mapping[str, float], images: FilePath, seed: int
) -> ScanPlan:
    """``positions`` are the motors before it; cameras save below ``images``."""
    positions = {**positions, **scan.move}
    paths = _paths(scan)
    npoints = _npoints(scan)
    places = Places({k: v for k, v in positions.items() if k not in paths}, paths)
    nodes = [_timer(scan, npoints)]
    nodes += [_motor(name, path, beamline, npoints, scan.count_time_s) for name, path in paths.items()]
    told: dict[str, Any] = {name: {name: {"display": _display(scan, n)}} for n, name in enumerate(paths)}
    for number, name in enumerate(scan.detectors):
        plan = _Detector(name, scan, npoints, places, images, seed + 1000 * number)
        nodes.append(plan.node(beamline.detectors[name]))
        told |= {stream: plan.told(beamline.detectors[name]) for stream in nodes[-1].streams.values()}
    described = StreamScan(
        scan.type,
        scan.title or _title(scan, npoints),
        npoints or 0,
        scan.count_time_s,
        axes=tuple(paths),
        channels={name: channels for name, channels in told.items() if channels},
        fields=_fields(scan, beamline.plotted(scan)),
        categories=beamline.categories,
        positions={
            name: Position(positions[name], positions[name] - motor.offset, motor.units)
            for name, motor in beamline.motors.items()
        },
    )
    ends = {**scan.move, **{name: path.end(npoints) for name, path in paths.items() if npoints}}
    seconds = scan.duration_s if npoints is None else npoints * scan.count_time_s
    return ScanPlan(described, nodes, seconds, ends)


@dataclass(frozen=True, slots=True)
class _Detector:
    """One detector in one scan."""

    name: str
    scan: Any
    npoints: int | None
    places: Places
    images: FilePath
    seed: int

    def node(self, settings: Any) -> NodePlan:
        rate_hz = 1 / self.scan.count_time_s if self.npoints is not None else settings.rate_hz
        npoints = self.npoints if self.npoints is not None else _points_in(self.scan.duration_s, rate_hz)
        pace = {"rate_hz": rate_hz, "npoints": npoints, "seed": self.seed}
        node_type, parameters, output = getattr(self, f"_{settings.kind}")(settings)
        return NodePlan(self.name, node_type, {**parameters, **pace}, {output: self.name}, npoints)

    def told(self, settings: Any) -> dict[str, dict[str, Any]]:
        """What the session knows of the channels."""
        if settings.kind == "spectrum":
            return {"spectrum_det0": {"counter": MCA}}
        if settings.kind == "camera":
            return {} if settings.save else {self.name: {"counter": {}}}
        if settings.kind == "counter":
            counter = {**SAMPLING, "data_type": "signal"} if settings.sampling else {}
            return {name: {"counter": counter} for name in settings.channels}
        return {}

    def _counter(self, settings: of.Counter) -> tuple[str, dict[str, Any], str]:
        channels = {name: Seen(**one.model_dump()) for name, one in settings.channels.items()}
        return "RespondingCounter", {"channels": channels, "places": self.places}, "counts"

    def _counters(self, settings: of.Counters) -> tuple[str, dict[str, Any], str]:
        told = settings.model_dump(include={"level", "noise", "units", "dtype"})
        return "CounterDetector", {"channels": settings.channel_names(self.name), **told}, "counts"

    def _spectrum(self, settings: of.Spectrum) -> tuple[str, dict[str, Any], str]:
        told = settings.model_dump(include={"bins", "ev_per_bin", "lines", "responding", "at"})
        return "RespondingSpectrum", {**told, "places": self.places}, "spectra"

    def _camera(self, settings: of.Camera) -> tuple[str, dict[str, Any], str]:
        told = settings.model_dump(include={"shape", "dtype", "frames_per_file"})
        told |= {"directory": str(self.images), "prefix": f"{self.name}_"} if settings.save else {}
        return "CameraDetector", told, "frames"


def _timer(scan: Any, npoints: int | None) -> NodePlan:
    rate_hz = 1 / scan.count_time_s
    count = _points_in(scan.duration_s, rate_hz) if npoints is None else npoints
    return NodePlan("timer", "ScanTimer", {"rate_hz": rate_hz, "npoints": count}, {"times": "timer"}, count)


def _motor(
    name: str, path: Path, beamline: of.BeamlineSettings, npoints: int | None, count_time_s: float
) -> NodePlan:
    assert npoints is not None
    parameters = {
        "path": path,
        "rate_hz": 1 / count_time_s,
        "npoints": npoints,
        "units": beamline.motors[name].units,
    }
    return NodePlan(name, "PathMotor", parameters, {"position": name}, npoints)


def _points_in(duration_s: float, rate_hz: float) -> int:
    return max(1, math.floor(duration_s * rate_hz + 1e-6))


def _npoints(scan: Any) -> int | None:
    if isinstance(scan, of.Amesh):
        return math.prod(points for _, _, points in scan.motors.values())
    found: int | None = scan.npoints
    return found


def _paths(scan: Any) -> dict[str, Path]:
    if isinstance(scan, of.Ascan):
        return {scan.motor: Path(scan.start, scan.stop, scan.npoints)}
    if not isinstance(scan, of.Amesh):
        return {}
    paths, hold = {}, 1
    for name, (start, stop, points) in scan.motors.items():
        paths[name] = Path(start, stop, points, hold)
        hold *= points
    return paths


def _display(scan: Any, number: int) -> dict[str, Any]:
    if isinstance(scan, of.Ascan):
        return {"start": scan.start, "stop": scan.stop, "points": scan.npoints}
    start, stop, points = list(scan.motors.values())[number]
    shown = {"start": start, "stop": stop, "points": _npoints(scan), "group": "scatter"}
    return {**shown, "axis-points": points, "axis-id": number, "axis-kind": "forth"}


def _fields(scan: Any, plotted: Sequence[str]) -> dict[str, Any]:
    """Of the scan info: where motors go, and what is to be plotted."""
    fields: dict[str, Any] = {"_display_extra": {"plotselect": list(plotted)}}
    if isinstance(scan, of.Amesh):
        (x_name, x), (y_name, y) = scan.motors.items()
        fields |= {"data_dim": 2, "npoints1": x[2], "npoints2": y[2]}
        fields |= {"start": [x[0], y[0]], "stop": [x[1], y[1]]}
        item = {"kind": "scatter", "x": f"axis:{x_name}", "y": f"axis:{y_name}"}
        return {**fields, "plots": [{"kind": "scatter-plot", "items": [item]}]}
    x_name = f"axis:{scan.motor}" if isinstance(scan, of.Ascan) else "timer:elapsed_time"
    if isinstance(scan, of.Ascan):
        fields |= {"start": [scan.start], "stop": [scan.stop]}
    return {**fields, "plots": [{"kind": "curve-plot", "items": [{"kind": "curve", "x": x_name}]}]}


def _title(scan: Any, npoints: int | None) -> str:
    """As a user of BLISS would type it."""
    if isinstance(scan, of.Ascan):
        where = f"{scan.motor} {scan.start:.3f} {scan.stop:.3f} {scan.npoints - 1}"
        return f"ascan {where} {scan.count_time_s:g}"
    if isinstance(scan, of.Amesh):
        axes = [f"{name} {a:.3f} {b:.3f} {n - 1}" for name, (a, b, n) in scan.motors.items()]
        return f"amesh {' '.join(axes)} {scan.count_time_s:g}"
    what = f"{scan.duration_s:g}" if npoints is None else f"{npoints} {scan.count_time_s:g}"
    return f"{scan.type} {what}"
