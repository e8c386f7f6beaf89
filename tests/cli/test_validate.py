"""Files held against the NeXus definitions, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from nexus_writer.cli.app import app
from nexus_writer.cli.errors import CommandError
from nexus_writer.cli.validate import NotValid
from tests.hdf5.processes import running_python

pytest.importorskip("nexusformat")


def entry_in(file: h5py.File, name: str) -> Any:
    """A small entry that is valid but for its name."""
    group = file.create_group(name)
    group.attrs["NX_class"] = "NXentry"
    group["title"] = "a title"
    group["start_time"] = "2026-11-20T06:34:15.560639+00:00"
    return group


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scans.h5"
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        entry_in(file, "1.1")
        entry_in(file, "scan_0002_1")
    return path


def validate(*arguments: object) -> None:
    app(["validate", *map(str, arguments)], standalone_mode=False)


def test_a_valid_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = path.read_bytes()
    validate(path)
    assert capsys.readouterr().out.splitlines() == [
        f"{path}::/1.1: valid, no warnings",
        f"{path}::/scan_0002_1: valid, no warnings",
    ]
    assert path.read_bytes() == content


def test_names_may_be_strict(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotValid, match="not valid NeXus"):
        validate(path, "--strict-names")
    assert '  error /1.1: "1.1" is an invalid name' in capsys.readouterr().out.splitlines()
    validate(f"{path}::/scan_0002_1", "--strict-names")


def test_errors_and_warnings_are_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(path, "r+") as file:
        group = file["1.1"].create_group("instrument")
        group.attrs["NX_class"] = "NXinstrumnt"
        file["1.1/my_field"] = 5
        file["1.1/end_time"] = "yesterday"
    with pytest.raises(NotValid):
        validate(path, "-w")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}::/1.1: 1 error, ")
    assert "  error /1.1/instrument: NXinstrumnt is not a valid base class" in lines
    assert "  warning /1.1/end_time: The field value is not a valid NX_DATE_TIME" in lines
    assert "  warning /1.1/my_field: This field is not defined in NXentry" in lines
    validate(f"{path}::/scan_0002_1")


def test_an_application_definition_that_an_entry_names(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(path, "r+") as file:
        file["scan_0002_1/definition"] = "NXxas"
    with pytest.raises(NotValid):
        validate(path)
    assert "required" in capsys.readouterr().out


def test_a_master_has_links_only(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    master = tmp_path / "master.h5"
    with h5py.File(master, "w") as file:
        file["scans_1.1"] = h5py.ExternalLink("scans.h5", "/1.1")
        file["gone_1.1"] = h5py.ExternalLink("gone.h5", "/1.1")
    validate(master, "--warnings")
    assert capsys.readouterr().out.splitlines() == [
        f"{master}: no entries of its own, valid, 1 warning",
        "  warning /gone_1.1: leads to gone.h5, which does not exist",
    ]


def test_a_file_that_is_being_written(path: Path) -> None:
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "r+")
        print("ready", flush=True)
        sys.stdin.read()
    """
    with running_python(code, path):
        validate(path)


def test_a_file_that_is_missing_does_not_cost_the_others(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(path, "r+") as file:
        file["1.1/definition"] = "NXxas"
    none = tmp_path / "none.h5"
    with pytest.raises(CommandError) as error:
        validate(none, path, tmp_path)
    assert str(error.value) == (
        f"there is no file {none}; {tmp_path} is a directory: give a file; {path}: not valid NeXus"
    )
    assert f"{path}::/scan_0002_1: valid, no warnings" in capsys.readouterr().out


def test_what_cannot_be_validated(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no HDF5")
    for target, says in (
        (tmp_path / "none.h5", f"there is no file {tmp_path}/none.h5"),
        (tmp_path, f"{tmp_path} is a directory: give a file"),
        (other, f"{other} is not an HDF5 file"),
        (f"{path}::/9.1", f"{path} has no /9.1: the last of what it has are 1.1, scan_0002_1"),
    ):
        with pytest.raises(CommandError) as error:
            validate(target)
        assert str(error.value) == says
    monkeypatch.setattr("nexus_writer.cli.validate.can_validate", lambda: False)
    with pytest.raises(CommandError, match="install the extra 'validate' of nexus-writer"):
        validate(path)
