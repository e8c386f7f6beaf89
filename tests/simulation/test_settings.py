"""A file that describes a beamline, and what is said of one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_writer.simulation import BadBeamline, example, load

PLAIN = """
motors: {samx: {}}
detectors: {i0: {kind: counters}, cam: {kind: camera}}
scans:
  - {type: loopscan, npoints: 5, detectors: [i0]}
  - together:
      - {type: timescan, npoints: 5, detectors: [cam]}
      - {type: ascan, motor: samx, start: 0, stop: 1, npoints: 5, detectors: [i0]}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "beamline.yaml"
    path.write_text(text)
    return path


def test_the_example_describes_a_beamline(tmp_path: Path) -> None:
    beamline = load(written(tmp_path, example()))
    assert {settings.kind for settings in beamline.detectors.values()} == {
        "counter",
        "counters",
        "spectrum",
        "camera",
    }
    types = [scan.type for _, scan in beamline.numbered()]
    assert set(types) == {"loopscan", "ascan", "amesh", "timescan"}
    assert beamline.directory == tmp_path / "simulated_data"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "npoints: 5, detectors: [i0]",
            "npoints: 0, detectors: [i0]",
            "scans.0.npoints: Input should be greater",
        ),
        ("[i0]}\n  - to", "[i1]}\n  - to", "scans.0.detectors: there is no detector 'i1', there is i0, cam"),
        (
            "type: loopscan,",
            "type: loopscan, plot: cam,",
            "scans.0.plot: there is no channel 'cam', there is i0",
        ),
        ("motor: samx", "motor: samz", "scans.1.together.1: there is no motor 'samz', there is samx"),
        ("stop: 1", "stop: far", "scans.1.together.1.stop: Input should be a valid number"),
        ("type: loopscan", "type: loop", "scans.0: Input tag 'loop'"),
        ("kind: camera", "kind: camera, shape: [4]", "detectors.cam.shape.1: Field required"),
        ("kind: camera", "kind: camra", "detectors.cam: Input tag 'camra'"),
        ("kind: counters", "kind: counters, rate: 5", "detectors.i0.rate: Extra inputs are not permitted"),
        ("kind: counters", "kind: counters, rate_hz: .inf", "detectors.i0.rate_hz: "),
        ("kind: counters", "kind: counters, level: .nan", "detectors.i0.level: Input should be a finite"),
        ("samx: {}", "samx: {position: .inf}", "motors.samx.position: Input should be a finite number"),
        ("stop: 1", "stop: .inf", "scans.1.together.1.stop: Input should be a finite number"),
        ("stop: 1", "stop: 1, move: {samx: -.inf}", "scans.1.together.1.move.samx: Input should be a finite"),
        ("stop: 1", "stop: 1, count_time_s: 1e-300", "scans.1.together.1.count_time_s: Input should be gr"),
        ("stop: 1", "stop: 1, count_time_s: .inf", "scans.1.together.1.count_time_s: Input should be a fi"),
        ("kind: camera", "kind: camera, shape: [10000, 10000]", "detectors.cam.shape: 10000 x 10000 pixels"),
        ("type: timescan, npoints: 5", "type: timescan", "scans.1.together.0: give npoints or duration_s"),
        ("samx: {}}", "i0: {}, samx: {}}", "detectors.i0: give it another name"),
        ("detectors: [cam]", "detectors: [cam, cam]", "scans.1.together.0.detectors: each once"),
        ("motors:", "motor:", "motor: Extra inputs are not permitted"),
        ("motors: {samx: {}}", "motors: {samx: {}, timer: {}}", "motors.timer: give it another name"),
        ("i0: {kind: counters}", "i-0: {kind: counters}", "detectors.i-0: give a name of letters, digits"),
        ("motors: {samx: {}}", "motors: {samx: {}, samx: {}}", "samx is there twice, in line 2"),
        (PLAIN, f"{PLAIN}  - 5\n", "scans.2: Input should be a valid dictionary"),
        (PLAIN, "scans: [", "is no YAML"),
        (PLAIN, "- 1", "describes no beamline: see nexus-writer simulate --example"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in PLAIN
    load(written(tmp_path, PLAIN))
    with pytest.raises(BadBeamline) as raised:
        load(written(tmp_path, PLAIN.replace(old, new)))
    assert told in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "beamline.yaml"))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "plot", "plotted"),
    [
        ("{kind: counter, channels: {i0: {}, it: {}}}", "it", ["det:it"]),
        ("{kind: counter, channels: {i0: {}, it: {}}}", "det", ["det:i0", "det:it"]),
        ("{kind: counters}", "det", ["det:det"]),
        ("{kind: counters, channels: 2}", "det_1", ["det:det_1"]),
        ("{kind: spectrum}", "det", ["det:spectrum_det0"]),
        ("{kind: camera}", "det", ["det:image"]),
        ("{kind: camera, save: false}", "det", ["det:det"]),
    ],
)
def test_a_channel_or_a_detector_is_plotted(kind: str, plot: str, plotted: list[str], tmp_path: Path) -> None:
    scan = f"{{type: loopscan, npoints: 5, detectors: [det], plot: {plot}}}"
    beamline = load(written(tmp_path, f"detectors: {{det: {kind}}}\nscans: [{scan}]\n"))
    ((_, found),) = beamline.numbered()
    assert beamline.plotted(found) == plotted


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadBeamline, match=r"none\.yaml cannot be read: No such file"):
        load(tmp_path / "none.yaml")
