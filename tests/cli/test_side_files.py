"""``doctor`` and ``verify`` say where a scan is that was saved beside its file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.layout.holder import own_file
from tests.cli.test_app import run
from tests.hdf5.processes import running_python


def write(path: Path, *names: str) -> Path:
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        for name in names:
            note = file.create_group(f"{name}/writer")
            note["status"], note["scan"], note["host"] = "SUCCEEDED", "session:1_scan", "host1"
            file[f"{name}/instrument/diode/data"] = np.arange(7.0)
            file[f"{name}/instrument/diode/data"].attrs["fullname"] = "diode"
            points = note.create_group("points")
            points["channel"], points["key"] = ["diode"], ["session:1_scan:diode"]
            points["committed"] = points["expected"] = [7]
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = write(tmp_path / "file.h5", "1.1")
    write(tmp_path / "file_beside.h5", "2.1")
    write(tmp_path / "file_beside_2.h5", "1.1", "3.1")
    with h5py.File(path, "r+") as file:
        file["3.1"] = h5py.ExternalLink("file_beside_2.h5", "/3.1")
    return path


def test_doctor_tells_which_entries_are_linked(own: Path) -> None:
    result = run("doctor", str(own))
    assert "/3.1 is in file_beside_2.h5, linked in file.h5\n" in result.stdout
    assert "/2.1 is in file_beside.h5, waits to be linked in file.h5\n  -> its writer links" in result.stdout
    assert "/1.1 is in file_beside_2.h5, not linked in file.h5, where something else has" in result.stdout
    assert result.returncode == 1


def test_doctor_names_who_is_in_the_way(own: Path) -> None:
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "r+")
        print("ready", flush=True)
        sys.stdin.read()
    """
    with running_python(code, own) as process:
        result = run("doctor", str(own))
    assert f"-> close it in python (pid {process.pid}); its writer links it" in result.stdout


def test_doctor_of_a_side_file(own: Path) -> None:
    side = own.with_stem("file_beside")
    result = run("doctor", str(side))
    assert f"a side file of {own}" in result.stdout
    assert result.returncode == 0


def test_own_file(own: Path) -> None:
    for name in ("file_beside.h5", "file_beside_2.h5", "file_rebuilt.h5"):
        assert own_file(own.with_name(name)) == own
    for name in ("file.h5", "other_beside.h5", "file_beside_x.h5"):
        assert own_file(own.with_name(name)) is None


def test_verify_checks_what_is_beside(own: Path) -> None:
    result = run("verify", str(own))
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if not line.startswith("  ")] == [
        f"/{name}: whole, SUCCEEDED, 7 points of 1 channel" for name in ("1.1", "2.1", "1.1", "3.1")
    ]
    assert "in file_beside.h5, waits to be linked in file.h5" in result.stdout


def test_verify_an_entry_that_is_beside(own: Path) -> None:
    result = run("verify", f"{own}::/3.1")
    assert result.returncode == 0, result.stderr
    assert "in file_beside_2.h5, linked in file.h5" in result.stdout
    with h5py.File(own.with_stem("file_beside_2"), "r+") as file:
        file["3.1/writer/points/committed"][0] = 8
    result = run("verify", f"{own}::/3.1")
    assert result.returncode == 1
    assert "8 points were committed" in result.stdout
