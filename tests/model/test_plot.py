"""Which plots are asked for, and of which channels."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_writer.model import PlotRequest, matches, plots_by_rank
from nexus_writer.model.fields import Fields
from nexus_writer.model.plot import read_plots, read_selection


@pytest.mark.parametrize(
    ("item", "channel", "meant"),
    [
        ("ctl:diode", "ctl:diode", True),
        ("diode", "ctl:diode", True),
        ("ode", "ctl:diode", True),
        ("mca:det0", "mca:spectrum_det0", True),
        ("mca.det0", "mca:spectrum_det0", True),
        ("a:b:c", "b:c", True),
        ("diode", "ctl:diode1", False),
        ("other:diode", "ctl:diode", False),
        ("", "ctl:diode", False),
    ],
)
def test_items_match_from_the_end(item: str, channel: str, meant: bool) -> None:
    assert matches(item, channel) is meant


CHANNELS = [("ctl:b", 0), ("ctl:a", 0), ("mca:spectrum_det0", 1), ("mca:spectrum_det1", 1), ("cam:image", 2)]


@pytest.mark.parametrize(
    ("request_", "selected"),
    [
        (PlotRequest("p", rank=0), ["ctl:b", "ctl:a"]),
        (PlotRequest("p", rank=1), ["mca:spectrum_det0", "mca:spectrum_det1"]),
        (PlotRequest("p", rank=3), []),
        (PlotRequest("p", ("a", "b")), ["ctl:a", "ctl:b"]),
        (PlotRequest("p", ("det1", "mca:", "a")), ["mca:spectrum_det1", "mca:spectrum_det0", "ctl:a"]),
        (PlotRequest("p", ("a", "ctl:a")), ["ctl:a"]),
        (PlotRequest("p", ("nothing",)), []),
    ],
)
def test_select(request_: PlotRequest, selected: list[str]) -> None:
    assert request_.select(CHANNELS) == selected


@pytest.mark.parametrize(
    ("info", "selection"),
    [
        ({}, ()),
        ({"_display_extra": {"plotselect": ["a", "b"]}}, ("a", "b")),
        ({"_display_extra": {"plotselect": ["a"], "displayed_channels": ["c"]}}, ("c",)),
        ({"_display_extra": {"plotselect": ["a"], "displayed_channels": None}}, ("a",)),
        ({"_display_extra": {"plotselect": ["a"], "displayed_channels": []}}, ()),
        ({"display_extra": {"plotselect": ["d", ""]}}, ("d",)),
        ({"_display_extra": None}, ()),
    ],
)
def test_selection(info: dict[str, Any], selection: tuple[str, ...]) -> None:
    assert read_selection(Fields(info, [])) == selection


def test_plots_of_a_technique() -> None:
    problems: list[str] = []
    plots = {
        "counters": {"items": ["a"], "grid": True},
        "spectra": {"ndim": 1},
        "named": {"personal_name": "mine", "ndim": 0, "grid": False},
        "empty": {"grid": True},
    }
    found = read_plots(Fields({"plots": plots}, problems))
    assert found == (
        PlotRequest("counters", ("a",), grid=True),
        PlotRequest("spectra", rank=1),
        PlotRequest("mine", rank=0),
    )
    assert problems == ["plots.empty has neither items nor ndim"]


def test_plots_by_rank() -> None:
    assert [(r.name, r.rank) for r in plots_by_rank([2, 0, 0, 2])] == [("plot0D", 0), ("plot2D", 2)]
