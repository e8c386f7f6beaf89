"""One NXdata whose plan changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nexus_writer.hdf5 import LiveFile, OpenFiles, soft_link, write_value
from nexus_writer.layout.plot_group import PlotGroup
from nexus_writer.layout.plot_plan import Indices, Link, Places, Plot

PLOT = Plot("p", ("d", "e"), ("x",), (("d", Link("/d")), ("e", Link("/e")), ("x", Places(0, 2, "mm"))))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveFile]:
    files = OpenFiles()
    file = files.acquire(tmp_path / "file.h5", {})
    yield file
    files.release(file)


def at(*values: float) -> Any:
    return lambda places: np.array(values)


def test_an_nxdata(live: LiveFile) -> None:
    write_value(live.root, "d", [1, 2])
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    assert "p" not in live.root
    assert group.publish()
    nxdata = live.root["p"]
    assert nxdata.attrs["NX_class"] == "NXdata"
    assert nxdata.attrs["signal"] == "d"
    assert nxdata.attrs["auxiliary_signals"].tolist() == ["e"]
    assert nxdata.attrs["axes"].tolist() == ["x"]
    assert nxdata["d"][()].tolist() == [1, 2]
    assert nxdata["x"].attrs["units"] == "mm"


def test_positions_change_in_place(live: LiveFile) -> None:
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    group.publish()
    before = live.root["p"].id
    group.show(PLOT, at(3, 4))
    assert not group.publish()
    assert live.root["p/x"][()].tolist() == [3, 4]
    assert live.root["p"].id == before


def test_positions_of_a_version_that_waits_are_not_lost(live: LiveFile) -> None:
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    group.update(at(3, 4))
    group.publish()
    group.update(at(3, 4))
    assert live.root["p/x"][()].tolist() == [3, 4]


def test_positions_wait_for_the_version_they_are_for(live: LiveFile) -> None:
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    group.publish()
    longer = Plot("p", ("d",), ("x",), (("d", Link("/d")), ("x", Places(0, 3))))
    group.show(longer, at(1, 2, 3))
    group.update(at(1, 2, 4))
    assert live.root["p/x"][()].tolist() == [1, 2]
    group.publish()
    group.update(at(1, 2, 4))
    assert live.root["p/x"][()].tolist() == [1, 2, 4]


def test_a_new_plan_is_a_new_group(live: LiveFile) -> None:
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    group.publish()
    group.show(Plot("p", ("d",), (), (("d", Link("/d")), ("i", Indices(3)))), at())
    group.publish()
    nxdata = live.root["p"]
    assert set(nxdata) == {"d", "i"}
    assert "auxiliary_signals" not in nxdata.attrs
    assert "axes" not in nxdata.attrs
    assert nxdata["i"][()].tolist() == [0, 1, 2]
    group.remove()
    assert "p" not in live.root


def test_in_the_place_of_a_link(live: LiveFile) -> None:
    soft_link(live.root, "p", "/elsewhere")
    group = PlotGroup(live.root, "p")
    group.show(PLOT, at(1, 2))
    group.publish()
    assert live.root["p"].attrs["signal"] == "d"
