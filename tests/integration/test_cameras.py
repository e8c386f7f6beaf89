"""Cameras that write HDF5 files in processes of their own, while the scan runs and readers look."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import (
    CameraPublisher,
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    SavingSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    camera,
    timer,
)
from tests.camera_files import DTYPE, SHAPE
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

SESSION = "cameras"
PROGRAM = Path(__file__).parent.parent / "camera_files.py"


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")


@pytest.fixture
def writer(redis_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServeProcess]:
    with serving(SESSION, redis_url, tmp_path / "writer", *getattr(request, "param", ())) as writer:
        yield writer


class RunningCamera:
    """A camera in a process of its own; ``save`` makes it save frames, ``measure`` publishes that, too."""

    def __init__(
        self, process: subprocess.Popen[str], scan: ScanPublisher, publisher: CameraPublisher
    ) -> None:
        self.process = process
        self.scan = scan
        self.publisher = publisher
        self.saved = 0

    def measure(self, frames: int, ahead: int = 0) -> None:
        """``ahead`` more frames are measured than saved."""
        self.save(frames)
        self.publisher.publish_status(self.saved + ahead, self.saved)
        self.scan.flush()

    def save(self, frames: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for _ in range(frames):
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self.saved = int(self.process.stdout.readline())


@contextmanager
def running_camera(
    scan: ScanPublisher, directory: Path, per_file: int, *options: str, published: Path | None = None
) -> Iterator[RunningCamera]:
    """The camera of ``scan``, prepared; ``published`` is its directory as the beamline calls it."""
    command = [sys.executable, str(PROGRAM), str(directory), "cam_", str(per_file), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        publisher = scan.camera("cam:image")
        publisher.prepare(SavingSpec(published or directory, frames_per_file=per_file))
        yield RunningCamera(process, scan, publisher)
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def start(dataset: DatasetPublisher, npoints: int) -> tuple[ScanPublisher, Path]:
    """A prepared scan with a camera and a counter; the directory of its images."""
    devices = (DeviceSpec("cam", (camera(SHAPE, DTYPE),)), DeviceSpec("ctl", (ChannelSpec("c0"),)))
    scan = dataset.scan(ScanSpec("loopscan", (timer(*devices),), npoints=npoints))
    scan.prepare()
    return scan, dataset.policy.directory / "scan0001"


READER = """
import h5py, json, sys
with h5py.File(sys.argv[1]) as file:
    data = file[sys.argv[2]]
    print(json.dumps([list(data.shape), [int(frame.flat[0]) for frame in data[()]]]))
"""


def read(path: Path, name: str) -> Any:
    """(shape, first pixel of each frame) as another process finds them; None while it is not there."""
    run = subprocess.run(
        [sys.executable, "-c", READER, str(path), name], capture_output=True, text=True, timeout=60
    )
    return json.loads(run.stdout) if run.returncode == 0 else None


IMAGE = "1.1/measurement/cam"


def test_a_running_scan_shows_its_frames(writer: ServeProcess, dataset: DatasetPublisher) -> None:
    path = dataset.policy.filename
    scan, directory = start(dataset, 0)
    with running_camera(scan, directory, 4) as camera:
        wait_until(lambda: read(path, IMAGE) == [[0, *SHAPE], []], "an empty dataset before the first frame")
        for frames, ahead in ((1, 2), (2, 3), (4, 1), (3, 0)):
            camera.measure(frames, ahead)
            expected = [[camera.saved, *SHAPE], list(range(camera.saved))]
            wait_until(lambda e=expected: read(path, IMAGE) == e, f"{camera.saved} frames")  # type: ignore[misc]
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    assert read(path, IMAGE) == [[10, *SHAPE], list(range(10))]
    assert read(path, "1.1/instrument/cam/data") == read(path, IMAGE)
    with h5py.File(path) as file:
        data = file["1.1/instrument/cam/image"]
        assert [source.file_name for source in data.virtual_sources()] == [
            f"scan0001/cam_000{n}.h5" for n in range(3)
        ]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert "warnings" not in file["1.1/writer"]


def test_frames_in_a_file_that_its_camera_locks_can_be_read_when_it_is_closed(
    writer: ServeProcess, dataset: DatasetPublisher
) -> None:
    path = dataset.policy.filename
    scan, directory = start(dataset, 0)
    with running_camera(scan, directory, 3, "--keep-lock") as camera:
        camera.measure(4)
        wait_until(lambda: _length(path) == 4, "4 frames")
        with h5py.File(path) as file:
            assert [image.flat[0] for image in file[IMAGE][:3]] == [0, 1, 2]
            with pytest.raises(OSError, match="unable to lock file"):
                file[IMAGE][3]
        camera.measure(2)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    assert read(path, IMAGE) == [[6, *SHAPE], list(range(6))]


def _length(path: Path) -> int:
    try:
        with h5py.File(path) as file:
            return len(file[IMAGE])
    except (OSError, KeyError, RuntimeError):
        return -1


def test_everything_can_be_moved(writer: ServeProcess, dataset: DatasetPublisher, tmp_path: Path) -> None:
    path = dataset.policy.filename
    scan, directory = start(dataset, 2)
    with running_camera(scan, directory, 1) as camera:
        camera.measure(2)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "data", moved)
    masters = [one for one in moved.rglob("*.h5") if one.parent.name in ("RAW_DATA", "sample")]
    assert len(masters) == 2
    for master in masters:
        assert read(master, "sample_0001_1.1/measurement/cam") == [[2, *SHAPE], [0, 1]]


@pytest.mark.parametrize("writer", [("--path-map", "/beamline=/")], indirect=True)
def test_directories_of_cameras_are_mapped(
    writer: ServeProcess, redis_client: redis.Redis, tmp_path: Path
) -> None:
    dataset = SessionPublisher(redis_client, SESSION).dataset(f"/beamline{tmp_path}/data", "hg123", "sample")
    path = Path(str(dataset.policy.filename).removeprefix("/beamline"))
    scan, directory = start(dataset, 1)
    here = Path(str(directory).removeprefix("/beamline"))
    with running_camera(scan, here, 1, published=directory) as camera:
        camera.measure(1)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    assert read(path, IMAGE) == [[1, *SHAPE], [0]]
    with h5py.File(path) as file:
        assert [source.file_name for source in file[IMAGE].virtual_sources()] == ["scan0001/cam_0000.h5"]


@pytest.mark.parametrize("writer", [("--disable-external-hdf5", "--copy-non-external")], indirect=True)
def test_frames_are_copied_while_the_camera_writes(writer: ServeProcess, dataset: DatasetPublisher) -> None:
    path = dataset.policy.filename
    scan, directory = start(dataset, 0)
    with running_camera(scan, directory, 5, "--keep-lock") as camera:
        camera.measure(3)
        wait_until(lambda: read(path, IMAGE) == [[3, *SHAPE], [0, 1, 2]], "frames of a file that is locked")
        camera.measure(4, ahead=2)
        scan.end()
        scan_has_ended_s = 0.3
        with pytest.raises(AssertionError):
            wait_until(lambda: entry_is_final(path, "1.1"), "the end waits for frames", scan_has_ended_s)
        camera.save(2)
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    shutil.rmtree(directory)
    assert read(path, IMAGE) == [[9, *SHAPE], list(range(9))]
    with h5py.File(path) as file:
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"


def test_frames_that_never_come_are_told(writer: ServeProcess, dataset: DatasetPublisher) -> None:
    path = dataset.policy.filename
    scan, directory = start(dataset, 0)
    scan.camera("cam:image").prepare(SavingSpec(directory))
    scan.camera("cam:image").publish_status(2, 0)
    scan["ctl:c0"].publish(1.0)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    assert read(path, IMAGE) == [[2, *SHAPE], [0, 0]]
    with h5py.File(path) as file:
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert warning == "cam:image: 2 of 2 files are missing: scan0001/cam_0000.h5, scan0001/cam_0001.h5"
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"


def test_a_camera_that_does_not_save_leaves_an_empty_group(
    writer: ServeProcess, dataset: DatasetPublisher
) -> None:
    path = dataset.policy.filename
    scan, _ = start(dataset, 0)
    scan.camera("cam:image").prepare(None)
    scan.camera("cam:image").publish_status(5)
    scan["ctl:c0"].publish(np.arange(3.0))
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    with h5py.File(path) as file:
        assert not any(
            isinstance(item, h5py.Dataset) and item.ndim for item in file["1.1/instrument/cam"].values()
        )
        assert list(file["1.1/measurement"]) == ["c0"]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
