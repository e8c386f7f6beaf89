"""Viewers follow the default plot of a scan while it runs: plain h5py, silx, and our own pictures."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    axis,
    mca,
    sampling,
    timer,
)
from nexus_writer.data.recording import Recording, replay
from tests.integration.test_replays import RECORDED_ROOT, expected_entries, put_camera_files
from tests.serve_process import entry_is_final, serving, wait_until

SESSION = "plots"
COLUMNS, ROWS = 7, 5
NPOINTS = COLUMNS * ROWS
X, Y = np.linspace(-1, 1, COLUMNS), np.linspace(0, 3, ROWS)


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")


@dataclass(frozen=True, slots=True)
class Mesh:
    """A mesh with counts that tell the place: 100 * row + column + 1."""

    snake: bool = False
    stop: int = NPOINTS
    select: tuple[str, ...] = ("counts", "diode")

    @property
    def spec(self) -> ScanSpec:
        motors = []
        for number, (name, places) in enumerate((("x", X), ("y", Y))):
            display = {"start": places[0], "stop": places[-1], "axis-points": len(places), "axis-id": number}
            display["axis-kind"] = "backnforth" if self.snake else "forth"
            motors.append(ChannelSpec(name, unit="mm", display=display))
        detectors = (
            ChannelSpec("counts", np.int32),
            sampling("diode", "uA"),
            mca("spectrum_det0", shape=(8,)),
        )
        fields: dict[str, Any] = {"data_dim": 2, "npoints1": COLUMNS, "npoints2": ROWS}
        fields["_display_extra"] = {"plotselect": list(self.select)}
        chain = axis(motors, timer(DeviceSpec("ctl", detectors)))
        return ScanSpec("amesh", (chain,), title="amesh", npoints=NPOINTS, fields=fields)

    def place(self, point: int) -> tuple[int, int]:
        row, column = divmod(point, COLUMNS)
        return row, COLUMNS - 1 - column if self.snake and row % 2 else column

    def publish(self, scan: ScanPublisher, point: int) -> None:
        """Channel by channel, as BLISS does: a motor is ahead while a detector counts."""
        row, column = self.place(point)
        counts = 100 * row + column + 1
        for name, value in (
            ("axis:x", X[column]),
            ("axis:y", Y[row]),
            ("timer:elapsed_time", 0.1 * point),
            ("timer:epoch", 1e9),
            ("ctl:counts", counts),
            ("ctl:diode", counts / 2),
            ("ctl:spectrum_det0", np.full(8, counts)),
        ):
            scan[name].publish(value)
            scan.flush()

    def measured(self) -> np.ndarray:
        grid = np.full((ROWS, COLUMNS), np.nan)
        for point in range(self.stop):
            row, column = self.place(point)
            grid[row, column] = 100 * row + column + 1
        return grid


@dataclass
class Follower:
    """A plain reader of the default plot, in another process than the writer; what it found."""

    path: Path
    points: list[int] = field(default_factory=list)

    def look(self, mesh: Mesh) -> int:
        """Points in the plot; every one is where it belongs, and the plot fits together."""
        if not self.path.exists():
            return 0
        with h5py.File(self.path) as file:
            entry = file.get(file.attrs.get("default", "nothing yet"))
            if entry is None or "default" not in entry.attrs:
                return 0
            nxdata = entry[entry.attrs["default"]]
            assert nxdata.attrs["NX_class"] == "NXdata"
            grid = nxdata[nxdata.attrs["signal"]][()]
            slow, fast = (nxdata[name][()] for name in nxdata.attrs["axes"])
            others = [nxdata[name].shape for name in nxdata.attrs.get("auxiliary_signals", ())]
        assert grid.shape == (len(slow), len(fast)) == (ROWS, COLUMNS)
        assert all(shape == grid.shape for shape in others)
        np.testing.assert_allclose(fast, X)
        np.testing.assert_allclose(slow, Y)
        there = np.isfinite(grid)
        np.testing.assert_array_equal(grid[there], mesh.measured()[there])
        self.points.append(int(there.sum()))
        return self.points[-1]


def play(dataset: DatasetPublisher, mesh: Mesh, follower: Follower, *, pause_s: float) -> str:
    """Run a scan under the eyes of a reader; the entry, when it is complete."""
    with dataset.scan(mesh.spec) as scan:
        scan.prepare()
        for point in range(mesh.stop):
            mesh.publish(scan, point)
            time.sleep(pause_s)
            follower.look(mesh)
        wait_until(lambda: follower.look(mesh) == mesh.stop, "all points in the running plot")
    entry = f"{scan.info['scan_nb']}.1"
    wait_until(lambda: entry_is_final(follower.path, entry), "complete")
    return entry


@pytest.fixture
def follower(redis_url: str, dataset: DatasetPublisher, tmp_path: Path) -> Iterator[Follower]:
    with serving(SESSION, redis_url, tmp_path / "writer"):
        yield Follower(dataset.policy.filename)


@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize("stop", [NPOINTS, NPOINTS // 2])
def test_a_running_mesh_fills_its_grid(
    dataset: DatasetPublisher, follower: Follower, snake: bool, stop: int
) -> None:
    mesh = Mesh(snake, stop)
    play(dataset, mesh, follower, pause_s=0.06)
    assert follower.points == sorted(follower.points), "points stay"
    assert len(set(follower.points)) > 3, "and become more"
    assert follower.look(mesh) == stop
    with h5py.File(follower.path) as file:
        plot = file["1.1/plotselect"]
        np.testing.assert_array_equal(plot["counts"], mesh.measured())
        np.testing.assert_array_equal(plot["diode"], mesh.measured() / 2)
        assert "warnings" not in file["1.1/writer"]
        assert len(file["1.1/measurement/counts"]) == stop


def test_a_picture_of_a_running_scan(dataset: DatasetPublisher, follower: Follower, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    mesh, picture = Mesh(), tmp_path / "running.png"
    with dataset.scan(mesh.spec) as scan:
        scan.prepare()
        for point in range(20):
            mesh.publish(scan, point)
        wait_until(lambda: follower.look(mesh) == 20, "points in the plot")
        command = [sys.executable, "-m", "nexus_writer", "plot", str(follower.path), "-o", str(picture)]
        assert subprocess.run(command, check=False).returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("select", [("counts", "diode"), ("spectrum_det0",)])
def test_silx_finds_the_plot_during_the_scan_and_after(
    dataset: DatasetPublisher, follower: Follower, select: tuple[str, ...]
) -> None:
    nxdata = pytest.importorskip("silx.io.nxdata")
    mesh = Mesh(snake=True, select=select)

    def shown() -> tuple[tuple[int, ...], list[str]] | None:
        with h5py.File(follower.path) as file:
            plot = nxdata.get_default(file)
            return None if plot is None else (plot.signal.shape, plot.axes_dataset_names)

    rest = ((8,), ["datadim0"]) if "spectrum_det0" in select else ((), [])
    expected = ((ROWS, COLUMNS, *rest[0]), ["y", "x", *rest[1]])
    found = []
    with dataset.scan(mesh.spec) as scan:
        scan.prepare()
        for point in range(12):
            mesh.publish(scan, point)
            time.sleep(0.05)
            if follower.path.exists():
                found.append(shown())
        wait_until(lambda: shown() is not None, "a plot")
    wait_until(lambda: entry_is_final(follower.path, "1.1"), "complete")
    assert set(map(str, found)) <= {"None", str(expected)}
    assert str(shown()) == str(expected)
    first_plot = next(index for index, one in enumerate(found) if one is not None)
    assert None not in found[first_plot:]


@pytest.mark.filterwarnings("default")
def test_silx_finds_every_plot_valid(redis_url: str, dataset: DatasetPublisher, tmp_path: Path) -> None:
    """By rank, on grids that keep their shape, of a scan that was stopped between two channels."""
    nxdata = pytest.importorskip("silx.io.nxdata")
    mesh = Mesh(stop=17)
    path = dataset.policy.filename
    with serving(SESSION, redis_url, tmp_path / "writer", "--noconfig", "--keepshape"):
        with dataset.scan(mesh.spec) as scan:
            scan.prepare()
            for point in range(mesh.stop):
                mesh.publish(scan, point)
            scan["axis:x"].publish(X[3])
            scan["axis:y"].publish(Y[2])
        wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    with h5py.File(path) as file:
        plots = [item for item in file["1.1"].values() if item.attrs.get("NX_class") == "NXdata"]
        assert len(plots) >= 3
        for plot in plots:
            assert nxdata.NXdata(plot).issues == []


@pytest.mark.parametrize("options", [(), ("--noconfig",), ("--keepshape",), ("--noconfig", "--keepshape")])
@pytest.mark.parametrize("stop", [NPOINTS, 17])
def test_validators_find_no_error(
    redis_url: str, dataset: DatasetPublisher, tmp_path: Path, options: tuple[str, ...], stop: int
) -> None:
    """nexusformat counts the sources of a virtual dataset, and the axes of a scatter."""
    pytest.importorskip("nexusformat")
    path = dataset.policy.filename
    with serving(SESSION, redis_url, tmp_path / "writer", *options):
        for number, snake in enumerate((False, True), start=1):
            mesh = Mesh(snake, stop)
            with dataset.scan(mesh.spec) as scan:
                scan.prepare()
                for point in range(stop):
                    mesh.publish(scan, point)
                scan["axis:x"].publish(X[0])
            wait_until(lambda n=number: entry_is_final(path, f"{n}.1"), "complete")  # type: ignore[misc]
    command = [sys.executable, "-m", "nexus_writer", "validate", str(path)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(": valid") == 2


def test_frames_in_files_of_cameras(
    captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """One frame a file, and all in one: a source for each frame, whichever it is."""
    recording = Recording(captures / "lima_two")
    reference, saved = captures / "lima_two" / "files", tmp_path / "saved"
    put_camera_files(reference, saved)
    ((path, entry),) = expected_entries(reference)
    options = ("--noconfig", "--path-map", f"{RECORDED_ROOT}={saved}")
    with serving(recording.session, redis_url, tmp_path / "writer", *options):
        replay(recording, redis_client)
        wait_until(lambda: entry_is_final(saved / path, entry), "complete")
    with h5py.File(saved / path) as file:
        plots = [item for name, item in file[entry].items() if name.startswith("plot2D")]
        signals = [plot[plot.attrs["signal"]] for plot in plots]
        assert len(signals) == 2
        for plot, signal in zip(plots, signals, strict=True):
            frames = file[entry]["measurement"][plot.attrs["signal"]]
            assert len(frames) == len(signal.virtual_sources()) > 0
            np.testing.assert_array_equal(signal, frames)
            assert signal[()].any()
            assert plot.attrs["axes"][1:].tolist() == ["datadim0", "datadim1"]
        points = file[entry]["writer/points"]
        received = dict(zip(points["channel"].asstr()[()], points["received"][()], strict=True))
        assert received["limaa:image"] == len(signals[0])
