"""The beamline of the demo publishes complete scans in which something can be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nexus_writer.cli.demo.beamline import DemoBeamline, demo_settings
from nexus_writer.cli.errors import CommandError
from nexus_writer.simulation.makers import node_maker
from nexus_writer.simulation.plan import NodePlan, ScanPlan, plan_scan

IRON_KA_EV, GRAIN_X_MM, GRAIN_Y_MM = 6404.0, 0.35, 0.10


def plans() -> list[ScanPlan]:
    settings = demo_settings()
    positions = {name: motor.position for name, motor in settings.motors.items()}
    found = []
    for _, scan in settings.numbered():
        found.append(plan_scan(settings, scan, positions, Path("images"), settings.seed))
        positions |= found[-1].ends
    return found


def values(plan: ScanPlan, name: str) -> np.ndarray:
    """What the node of this name sends, (points, channels)."""
    (node_plan,) = [node for node in plan.nodes if node.name == name]
    return of_node(node_plan)


def of_node(node_plan: NodePlan) -> np.ndarray:
    with node_maker(0) as maker:
        node = maker.make(node_plan.node_type, node_plan.name)
        node.configure(**node_plan.parameters)
        found: np.ndarray = node.expected(0, node_plan.npoints)
        maker.close(node)
    return found


def test_a_mesh_shows_the_grain() -> None:
    mesh = plans()[2]
    x, y, counts = (values(mesh, name) for name in ("samx", "samy", "p201"))
    fluo = counts[:, 1]
    assert len(np.unique(x)) * len(np.unique(y)) == len(fluo)
    centre = np.average(x[:, 0], weights=fluo**2), np.average(y[:, 0], weights=fluo**2)
    assert centre == pytest.approx((GRAIN_X_MM, GRAIN_Y_MM), abs=0.05)


def test_a_spectrum_shows_iron() -> None:
    spectra = values(plans()[3], "xrf")[:, 0]
    assert np.argmax(spectra.sum(axis=0)) * 10 == pytest.approx(IRON_KA_EV, abs=50)
    assert spectra[:, 640].argmax() == pytest.approx(12, abs=1)


def test_the_rocking_curve_has_a_peak_and_the_diode_a_dip() -> None:
    found = plans()
    assert values(found[4], "apd")[:, 0].argmax() == pytest.approx(19.5, abs=1.5)
    dip = values(found[1], "diodes")[:, 0]
    assert dip.min() < 0.7 * dip.max()
    assert dip.argmin() == pytest.approx(17, abs=1.5)


def test_the_whole_run_takes_10_to_12_s() -> None:
    seconds = [plan.seconds for plan in plans()]
    assert 10 <= sum(seconds[:4]) + max(seconds[4:]) <= 12


def test_a_beamline_that_fails_is_told(tmp_path: Path) -> None:
    with DemoBeamline("redis://127.0.0.1:1/1", tmp_path) as beamline:
        beamline.join(60)
    with pytest.raises(CommandError, match=r"the simulated beamline failed: .*127\.0\.0\.1:1"):
        beamline.check()
