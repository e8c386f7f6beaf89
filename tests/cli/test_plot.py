"""``nexus-writer plot``: pictures, and one line for each mistake."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.cli import main
from nexus_writer.cli.file_target import FileTarget
from nexus_writer.cli.plot import plot

from .nexus_files import write_file
from .test_app import run

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_file(tmp_path_factory.mktemp("plots") / "file.h5")


def colours(picture: Path) -> int:
    """How many colours a picture has."""
    pixels = matplotlib.image.imread(picture)
    return len(np.unique(np.round(pixels[..., :3].reshape(-1, 3) * 255), axis=0))


@pytest.mark.parametrize(
    ("entry", "least"),
    [
        ("1.1", 20),
        ("2.1", 40),
        ("3.1", 150),
        ("4.1", 150),
        ("5.1", 150),
        ("6.1", 150),
        ("7.1", 150),
        ("8.1", 20),
        ("9.1", 20),
        ("10.1", 150),
    ],
)
def test_a_picture_of_every_kind(path: Path, tmp_path: Path, entry: str, least: int) -> None:
    """Maps have many colours."""
    picture = tmp_path / "plot.png"
    plot(FileTarget(path, f"/{entry}"), picture)
    assert colours(picture) >= least


def test_the_command(path: Path, tmp_path: Path) -> None:
    picture = tmp_path / "plot.png"
    result = run("plot", f"{path}::/3.1", "-o", str(picture))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("target", "output", "says"),
    [
        ("nothing.h5", "a.png", "there is no file nothing.h5"),
        ("text.h5", "a.png", "text.h5 is not an HDF5 file"),
        ("good.h5::/11.1", "a.png", "good.h5 has no /11.1: the last of what it has are"),
        ("plain.h5", "a.png", "plain.h5::/ has no default plot: select what to plot"),
        ("good.h5", "no/such/a.png", "cannot write no/such/a.png: No such file or directory"),
        ("good.h5", "a.nonsense", "cannot write a.nonsense: Format 'nonsense' is not supported"),
        ("good.h5", "", "there is no display for a window: give a file for the picture with --output"),
    ],
)
def test_a_mistake_is_one_line(
    path: Path,
    tmp_path: Path,
    target: str,
    output: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.h5").write_text("text")
    (tmp_path / "good.h5").symlink_to(path)
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = 1
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    arguments = ["nexus-writer", "plot", target, *(["-o", output] if output else [])]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith(f"nexus-writer: {says}")
    assert len(told.strip().splitlines()) == 1
