"""How each kind of detector names its channels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus_writer.layout.kinds import autofilter, generic, lima, mythen, sampling_counter
from nexus_writer.layout.place import DEVICE_TYPES
from nexus_writer.layout.spot import Naming, Spot


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (generic, "ctl:diode", Spot("diode", "data", True)),
        (sampling_counter, "ctl:diode_N", Spot("diode", "N", False)),
        (sampling_counter, "ctl:diode_samples", Spot("diode", "samples", False)),
        (sampling_counter, "ctl:my_diode_p2v", Spot("my_diode", "p2v", False)),
        (mythen, "mythen1:spectrum", Spot("mythen1", "spectrum", True)),
        (mythen, "mythen1:roi1", Spot("mythen1", "roi1", False)),
        (mythen, "mythen1:a:b", Spot("mythen1", "a:b", False)),
        (mythen, "mythen1", Spot("mythen1", "data", True)),
        (autofilter, "filt:transm", Spot("filt", "transm", False)),
        (autofilter, "a:filt:transm", Spot("transm", "data", True)),
        (autofilter, "transm", Spot("transm", "data", True)),
        (lima, "cam:image", Spot("cam", "image", True)),
        (lima, "cam:sum", Spot("cam", "sum", True)),
        (lima, "cam:acq_time", Spot("cam", "acq_time", False)),
        (lima, "cam:roi_counters:r1_sum", Spot("cam:r1", "sum", True, selection="r1")),
        (lima, "cam:roi_counters:r1_min", Spot("cam:r1", "min", False, selection="r1")),
        (lima, "cam:roi_counters:my_roi_avg", Spot("cam:my_roi", "avg", False, selection="my_roi")),
        (lima, "cam:roi_counters:odd", Spot("cam:roi_counters", "odd", False)),
        (lima, "cam:roi_counters:_sum", Spot("cam:roi_counters", "_sum", False)),
        (lima, "cam:roi_profiles:p1", Spot("cam:p1", "sum", True, selection="p1")),
        (lima, "cam:roi_profiles:my_p", Spot("cam:my_p", "sum", True, selection="my_p")),
        (lima, "cam:roi_collection:all", Spot("cam:roi_collection", "sum", True)),
        (lima, "cam:roi_collection:a:b", Spot("cam:roi_collection", "sum", True)),
        (lima, "cam:bpm:fwhm_x", Spot("cam:bpm", "fwhm_x", False)),
        (lima, "cam:a:b:c", Spot("cam:a", "b:c", False)),
        (lima, "cam", Spot("cam", "data", True)),
    ],
)
def test_spots(kind: Callable[[Naming], Spot], name: str, expected: Spot) -> None:
    assert kind(Naming(name, name.rpartition(":")[2])) == expected


def test_the_signal_of_a_sampling_counter_may_hold_underscores() -> None:
    assert sampling_counter(Naming("c:my_N", "my_N", "signal")) == Spot("my_N", "signal", True)


@pytest.mark.parametrize("kind", DEVICE_TYPES.values())
@pytest.mark.parametrize("name", ["", ":", "::", ":::", "_", "a:_", "_:a", "a_", "a::b", "a:roi_counters:"])
def test_odd_names_have_a_place_too(kind: Callable[[Naming], Spot], name: str) -> None:
    assert isinstance(kind(Naming(name, name)), Spot)
