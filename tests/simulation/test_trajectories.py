from __future__ import annotations

import numpy as np
import pytest

from nexus_writer.simulation.trajectories import Path, Places


def test_a_path_begins_anew_behind_its_last_position() -> None:
    assert Path(0.0, 2.0, 3).at(np.arange(5)).tolist() == [0, 1, 2, 0, 1]
    assert Path(0.0, 2.0, 3, hold=2).at(np.arange(8)).tolist() == [0, 0, 1, 1, 2, 2, 0, 0]


def test_a_path_ends_at_its_last_point() -> None:
    assert [Path(0.0, 2.0, 3, hold=2).end(npoints) for npoints in (1, 4, 6)] == [0, 1, 2]


def test_a_response_is_highest_where_all_motors_are_at_their_centres() -> None:
    places = Places({"y": 1.0}, {"x": Path(0.0, 4.0, 5)})
    points = np.arange(5)
    assert places.response({"x": (2.0, 1.0)}, points).argmax() == 2
    assert places.response({"x": (2.0, 1.0)}, points).max() == 1.0
    off = places.response({"x": (2.0, 1.0), "y": (0.0, 1.0)}, points)
    assert off[2] == pytest.approx(np.exp(-0.5))
    assert places.response({"x": (2.0, 1.0)}, points, "lorentzian")[3] == 0.5
