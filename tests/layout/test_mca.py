"""Channels of multi-channel analysers, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.layout.mca import QUANTITIES, known_elements, mca
from nexus_writer.layout.spot import Naming, Spot

ELEMENTS = ("det0", "det1", "det11")


def spot(name: str, elements: tuple[str, ...] = ELEMENTS) -> Spot:
    return mca(Naming(name, name.rpartition(":")[2], detectors=elements))


@pytest.mark.parametrize(
    ("name", "group", "dataset", "principal", "unit"),
    [
        ("x:spectrum_det0", "x:det0", "spectrum", True, None),
        ("x:spectrum_det11", "x:det11", "spectrum", True, None),
        ("x:icr_det0", "x:det0", "trigger_count_rate", False, "hertz"),
        ("x:ocr_det0", "x:det0", "event_count_rate", False, "hertz"),
        ("x:deadtime_det0", "x:det0", "fractional_dead_time", False, None),
        ("x:triggers_det0", "x:det0", "triggers", False, None),
        ("x:events_det0", "x:det0", "events", False, None),
        ("x:trigger_livetime_det0", "x:det0", "trigger_live_time", False, "s"),
        ("x:energy_livetime_det1", "x:det1", "live_time", False, "s"),
        ("x:realtime_det0", "x:det0", "elapsed_time", False, "s"),
        ("x:roi1_det0", "x:det0", "roi1", False, None),
        ("x:Fe_Ka_det0", "x:det0", "Fe_Ka", False, None),
        ("x:roi1", "x:sum", "roi1", False, None),
        ("x:Fe_Ka", "x:sum", "Fe_Ka", False, None),
        ("x:spectrum", "x:sum", "spectrum", True, None),
        ("rack:x:roi1_det0", "rack:x:det0", "roi1", False, None),
        ("roi1_det0", "det0", "roi1", False, None),
        ("x:_det0", "x:sum", "_det0", False, None),
        ("x:roi_", "x:sum", "roi_", False, None),
    ],
)
def test_known_elements_tell_where_a_name_ends(
    name: str, group: str, dataset: str, principal: bool, unit: str | None
) -> None:
    assert spot(name) == Spot(group, dataset, principal, unit)


@pytest.mark.parametrize(
    ("name", "group", "dataset"),
    [
        ("x:roi1_det0", "x:det0", "roi1"),
        ("x:Fe_Ka_det0", "x:det0", "Fe_Ka"),
        ("x:roi1", "x:sum", "roi1"),
        ("x:Fe_Ka", "x:Ka", "Fe"),
        ("x:_det0", "x:sum", "_det0"),
        ("x:roi_", "x:sum", "roi_"),
    ],
)
def test_without_them_the_last_underscore_does(name: str, group: str, dataset: str) -> None:
    assert (spot(name, ()).group, spot(name, ()).dataset) == (group, dataset)


def test_elements_are_told_by_their_spectra() -> None:
    names = [
        "x:spectrum_det0",
        "x:spectrum_det1",
        "x:icr_det0",
        "x:icr_what",
        "x:roi_a",
        "y:icr_det7",
        "icr_d",
    ]
    assert known_elements(names) == {"x": {"det0", "det1"}, "y": {"det7"}, "": {"d"}}


def test_a_spectrum_of_the_sum_is_no_element() -> None:
    assert known_elements(["x:spectrum", "x:spectrum_"]) == {"x": frozenset()}


def test_elements_may_hold_underscores() -> None:
    elements = known_elements(["x:spectrum_det_0", "x:spectrum_0"])["x"]
    assert spot("x:roi_det_0", tuple(elements)).group == "x:det_0"
    assert spot("x:roi_0", tuple(elements)).group == "x:0"


NAMES = st.text(alphabet="ab_", min_size=1, max_size=6).filter(lambda name: not name.endswith("_"))


@given(NAMES, st.sampled_from(ELEMENTS))
def test_any_region_comes_out_as_it_was_called(roi: str, element: str) -> None:
    assert (spot(f"x:{roi}_{element}").group, spot(f"x:{roi}_{element}").dataset) == (f"x:{element}", roi)
    assert (spot(f"x:{roi}").group, spot(f"x:{roi}").dataset) == ("x:sum", roi)


def test_no_statistic_looks_like_another_one() -> None:
    """Else two channels of one element would want the same dataset."""
    assert len({quantity.name for quantity in QUANTITIES.values()}) == len(QUANTITIES)
