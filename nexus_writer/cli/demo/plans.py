"""What the beamline of the demo measures, scan by scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    ScanSpec,
    axis,
    integrating,
    mca,
    sampling,
    timer,
)

from .sample import EV_PER_BIN, GRAIN_Y_MM, IRON_KA_EV, SPECTRUM_BINS, Beamline

Measure = Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A scan to be played: ``measure(point)`` moves what must move and gives values by channel."""

    spec: ScanSpec
    period_s: float
    measure: Measure


def scans_of(beamline: Beamline) -> Iterator[Sequence[Plan]]:
    """What the beamline measures; the plans of one part run at once."""
    yield [loopscan(beamline, 25)]
    yield [ascan(beamline, "samx", -0.5, 1.2, 35)]
    yield [mesh(beamline, 21, 16)]
    yield [spectra(beamline, 24)]
    yield [rocking_curve(beamline, 40), timescan(beamline, 60)]


def loopscan(beamline: Beamline, npoints: int) -> Plan:
    """Incoming beam and diode, without moving anything."""

    def measure(point: int) -> Mapping[str, Any]:
        return {**_counters(beamline), "oxford:temperature": 100 + 0.02 * np.sin(point / 4)}

    cryostat = DeviceSpec("oxford", (sampling("temperature", "K", mode="LAST"),))
    chain = timer(*_COUNTERS, cryostat)
    title = f"loopscan {npoints} 0.06"
    return Plan(_spec(beamline, "loopscan", chain, title, npoints, 0.06, show="i0"), 0.06, measure)


def ascan(beamline: Beamline, motor: str, start: float, stop: float, npoints: int) -> Plan:
    """Across the grain: fluorescence has a peak, transmission a dip."""
    places = np.linspace(start, stop, npoints).tolist()

    def measure(point: int) -> Mapping[str, Any]:
        return {f"axis:{motor}": beamline.move(motor, places[point]), **_counters(beamline)}

    display = {"start": start, "stop": stop, "points": npoints}
    chain = axis([_motor(beamline, motor, **display)], timer(*_COUNTERS))
    title = f"ascan {motor} {start:.3f} {stop:.3f} {npoints - 1} 0.05"
    fields: dict[str, Any] = {"start": [start], "stop": [stop]}
    return Plan(_spec(beamline, "ascan", chain, title, npoints, 0.05, **fields), 0.05, measure)


def mesh(beamline: Beamline, columns: int, rows: int) -> Plan:
    """A map of the grain; samx is the fast axis."""
    xs, ys = np.linspace(-0.2, 0.9, columns).tolist(), np.linspace(-0.35, 0.55, rows).tolist()
    npoints = columns * rows

    def measure(point: int) -> Mapping[str, Any]:
        x = beamline.move("samx", xs[point % columns])
        y = beamline.move("samy", ys[point // columns])
        return {"axis:samx": x, "axis:samy": y, **_counters(beamline)}

    motors = [
        _motor(beamline, name, **_scatter(number, places, npoints))
        for number, (name, places) in enumerate((("samx", xs), ("samy", ys)))
    ]
    fields: dict[str, Any] = {"data_dim": 2, "npoints1": columns, "npoints2": rows}
    fields |= {"start": [xs[0], ys[0]], "stop": [xs[-1], ys[-1]]}
    fields["plots"] = [
        {"kind": "scatter-plot", "items": [{"kind": "scatter", "x": "axis:samx", "y": "axis:samy"}]}
    ]
    title = f"amesh samx {xs[0]:.3f} {xs[-1]:.3f} {columns - 1} samy {ys[0]:.3f} {ys[-1]:.3f} {rows - 1} 0.01"
    chain = axis(motors, timer(*_COUNTERS))
    return Plan(_spec(beamline, "amesh", chain, title, npoints, 0.01, **fields), 0.01, measure)


def spectra(beamline: Beamline, npoints: int) -> Plan:
    """A spectrum at each place of a line across the grain."""
    places = np.linspace(-0.2, 0.9, npoints).tolist()
    window = slice(int((IRON_KA_EV - 150) / EV_PER_BIN), int((IRON_KA_EV + 150) / EV_PER_BIN))

    def measure(point: int) -> Mapping[str, Any]:
        x = beamline.move("samx", places[point])
        beamline.move("samy", GRAIN_Y_MM)
        counts = beamline.spectrum()
        roi = {"xrf:spectrum_det0": counts, "xrf:fe_ka_det0": int(counts[window].sum())}
        return {"axis:samx": x, **_counters(beamline), **roi, "xrf:deadtime_det0": counts.sum() / 2.0e5}

    channels = (
        mca("spectrum_det0", np.uint32, shape=(SPECTRUM_BINS,)),
        mca("fe_ka_det0", int),
        mca("deadtime_det0", float),
    )
    detector = DeviceSpec("xrf", channels, metadata={"type": "mca"})
    display = {"start": places[0], "stop": places[-1], "points": npoints}
    chain = axis([_motor(beamline, "samx", **display)], timer(*_COUNTERS, detector))
    title = f"ascan samx {places[0]:.3f} {places[-1]:.3f} {npoints - 1} 0.08"
    fields: dict[str, Any] = {"start": [places[0]], "stop": [places[-1]]}
    return Plan(
        _spec(beamline, "ascan", chain, title, npoints, 0.08, show="spectrum_det0", **fields), 0.08, measure
    )


def rocking_curve(beamline: Beamline, npoints: int) -> Plan:
    """The sample's angle through a reflection."""
    places = np.linspace(11.9, 12.36, npoints).tolist()

    def measure(point: int) -> Mapping[str, Any]:
        angle = beamline.move("th", places[point])
        return {"axis:th": angle, "p201:bragg": beamline.reflection()}

    display = {"start": places[0], "stop": places[-1], "points": npoints}
    counters = DeviceSpec("p201", (integrating("bragg"),))
    chain = axis([_motor(beamline, "th", **display)], timer(counters))
    title = f"ascan th {places[0]:.3f} {places[-1]:.3f} {npoints - 1} 0.05"
    fields: dict[str, Any] = {"start": [places[0]], "stop": [places[-1]]}
    return Plan(_spec(beamline, "ascan", chain, title, npoints, 0.05, show="bragg", **fields), 0.05, measure)


def timescan(beamline: Beamline, npoints: int) -> Plan:
    """The ring's current and the sample's temperature, while something else is measured."""

    def measure(point: int) -> Mapping[str, Any]:
        return {"machine:current": 197.0 - 0.002 * point, "oxford:temperature": 100 + 0.3 * point / npoints}

    devices = (
        DeviceSpec("machine", (sampling("current", "mA", mode="SINGLE"),)),
        DeviceSpec("oxford", (sampling("temperature", "K", mode="LAST"),)),
    )
    title = f"timescan 0.03 {npoints}"
    return Plan(
        _spec(beamline, "timescan", timer(*devices), title, npoints, 0.03, show="current"), 0.03, measure
    )


_COUNTERS = (
    DeviceSpec("p201", (integrating("i0"), integrating("fluo"))),
    DeviceSpec("diodes", (sampling("transmission", "uA"),)),
)


def _counters(beamline: Beamline) -> dict[str, float]:
    return {
        "p201:i0": beamline.i0(),
        "p201:fluo": beamline.fluorescence(),
        "diodes:transmission": beamline.transmission(),
    }


def _motor(beamline: Beamline, name: str, **display: Any) -> ChannelSpec:
    return ChannelSpec(name, unit=beamline.motors[name].unit, display=display)


def _scatter(number: int, places: list[float], npoints: int) -> dict[str, Any]:
    fields = {"start": places[0], "stop": places[-1], "points": npoints, "group": "scatter"}
    return {**fields, "axis-points": len(places), "axis-id": number, "axis-kind": "forth"}


def _spec(
    beamline: Beamline,
    kind: str,
    master: DeviceSpec,
    title: str,
    npoints: int,
    count_time_s: float,
    show: str = "fluo",
    **fields: Any,
) -> ScanSpec:
    x = f"{master.name}:{master.channels[0].name}"
    plots: dict[str, Any] = {"plots": [{"kind": "curve-plot", "items": [{"kind": "curve", "x": x}]}]}
    plots["_display_extra"] = {"plotselect": [show]}
    source = {"@NX_class": "NXsource", "current": 197.0, "current@units": "mA", "mode": "Multi Bunch"}
    categories: dict[str, dict[str, Any]] = {
        "instrument": {"machine": source},
        "sample": {"@NX_class": "NXsample", "name": "iron grain", "description": "in a silica matrix"},
    }
    return ScanSpec(
        kind,
        (master,),
        title=title,
        npoints=npoints,
        count_time_s=count_time_s,
        fields={**plots, **fields},
        categories=categories,
        positions=beamline.positions,
    )
