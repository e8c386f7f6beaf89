"""Frames of cameras in the files of scans, read by plain h5py."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from fabio.edfimage import EdfImage

from nexus_writer.data.lima_saving import LimaSaving
from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile, frame_copy
from nexus_writer.model import ChannelDescription, Scan
from tests.camera_files import DTYPE, SHAPE, camera_file, frame, saving, write_files

from .scans import channel, points, scan_info

CHAIN = {"timer": {"timer": ["timer:elapsed_time"], "cam": ["cam:image"], "ctl": ["ctl:diode"]}}
LIMA = {"cam:image": {"device_type": "lima"}}
EXTERNAL = LayoutOptions(enable_external_nonhdf5=True)
COPY = LayoutOptions(disable_external_hdf5=True, copy_non_external=True)
NAMED = LayoutOptions(disable_external_hdf5=True)
DATA = "1.1/instrument/image/data"


class Camera:
    """One camera of one scan in its file."""

    def __init__(self, files: OpenFiles, directory: Path, options: LayoutOptions, **fields: Any) -> None:
        self.directory = directory / "scan0001"
        self.path = directory / "scan.h5"
        info = scan_info(CHAIN, filename=str(self.path), dims={"cam:image": 2}, **fields)
        self.scan = Scan.from_info(info, "session:ds:1_scan")
        self.file = ScanFile(self.scan, files, options)
        self.file.create()
        self.channel = channel(self.scan, "cam:image", DTYPE, SHAPE)
        self.file.add_camera(self.channel)

    def describe(self, shape: tuple[int, ...] = SHAPE, dtype: Any = DTYPE, **changes: Any) -> None:
        found = LimaSaving.from_description(saving(self.directory, **changes))
        assert found is not None
        key, name = self.channel.key, self.channel.name
        self.file.cameras.describe(ChannelDescription(key, name, np.dtype(dtype), shape, None), found)
        self.file.commit()

    def refer(self, frames: int) -> None:
        self.file.cameras.refer(self.channel.key, frames)
        for _ in range(30):
            self.file.commit()
            due_s = self.file.cameras.seconds_to_update()
            if due_s is None:
                return
            time.sleep(due_s if due_s > frame_copy.RETRY_S else 0.01)  # long on a busy machine

    def finish(self, frames: int) -> str | None:
        self.file.cameras.refer(self.channel.key, frames)
        return self.file.finish({}, "", None)

    def opened(self) -> h5py.File:
        """What any reader finds."""
        return h5py.File(self.path, locking=False)


def pixels(data: Any) -> list[Any]:
    """The first pixel of each frame."""
    return [image.flat[0] for image in data[()]]


def status(file: h5py.File) -> str:
    return str(file["1.1/writer/status"].asstr()[()])


# -- virtual datasets ------------------------------------------------------------------------------------


def test_frames_are_there_from_the_start_and_grow(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.file.commit()
    with camera.opened() as file:
        assert list(file["1.1/instrument/image"]) == []
        assert "measurement" not in file["1.1"]
    camera.describe()
    with camera.opened() as file:
        assert file[DATA].shape == (0, *SHAPE)
        assert file[DATA].attrs["interpretation"] == "image"
        assert file["1.1/measurement/image"].shape == (0, *SHAPE)
    write_files(camera.directory, 5)
    for frames in (1, 4, 5):
        camera.refer(frames)
        with camera.opened() as file:
            data = file["1.1/measurement/image"]
            assert (data.shape, data.dtype, data.maxshape) == ((frames, *SHAPE), DTYPE, (None,) * 3)
            assert pixels(data) == list(range(frames))
        assert camera.file.points[camera.channel.key] == frames
    assert camera.finish(5) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 2, 3, 4]
        names = [source.file_name for source in file[DATA].virtual_sources()]
        assert names == ["scan0001/cam_0000.h5", "scan0001/cam_0001.h5", "scan0001/cam_0002.h5"]
        assert status(file) == "SUCCEEDED"
        assert "warnings" not in file["1.1/writer"]


MESH: dict[str, Any] = {"data_dim": 2, "npoints1": 3, "npoints2": 2, "npoints": 6}


def test_frames_keep_the_shape_of_their_mesh(files: OpenFiles, tmp_path: Path) -> None:
    """From the start, and when it is stopped: places without a frame are named."""
    camera = Camera(files, tmp_path, LayoutOptions(keepshape=True), **MESH)
    camera.describe()
    write_files(camera.directory, 5)
    for frames in (0, 1, 5):
        camera.refer(frames)
        with camera.opened() as file:
            data = file["1.1/measurement/image"]
            assert (data.shape, data.dtype, data.maxshape) == ((2, 3, *SHAPE), DTYPE, (None,) * 4)
            assert data[..., 0, 0].ravel().tolist() == [*range(frames), *[0] * (6 - frames)]
            assert data.attrs["interpretation"] == "image"
        assert camera.file.points[camera.channel.key] == frames
    assert camera.finish(5) is None
    with camera.opened() as file:
        assert file[DATA].attrs["unfilled"].tolist() == [[5, 6]]
        assert file["1.1/writer/points/received"][0] == 5
        assert status(file) == "SUCCEEDED"


def test_more_frames_than_a_mesh_has_places(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions(keepshape=True), **MESH)
    camera.describe()
    write_files(camera.directory, 8)
    assert camera.finish(8) is None
    with camera.opened() as file:
        assert file[DATA][..., 0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 0]]
        assert file[DATA].attrs["unfilled"].tolist() == [[8, 9]]


def test_texts_for_frames_stay_a_list(files: OpenFiles, tmp_path: Path) -> None:
    options = LayoutOptions(keepshape=True, disable_external_hdf5=True)
    camera = Camera(files, tmp_path, options, **MESH)
    camera.describe()
    write_files(camera.directory, 6)
    assert camera.finish(6) is None
    with camera.opened() as file:
        assert file[DATA].shape == (6,)


def test_copied_frames_keep_the_shape_of_their_mesh(files: OpenFiles, tmp_path: Path) -> None:
    options = LayoutOptions(keepshape=True, disable_external_hdf5=True, copy_non_external=True)
    camera = Camera(files, tmp_path, options, **MESH)
    camera.describe()
    write_files(camera.directory, 5)
    camera.refer(2)
    assert camera.finish(5) is None
    with camera.opened() as file:
        assert file[DATA][..., 0, 0].tolist() == [[0, 1, 2], [3, 4, 0]]


def test_spare_frames_in_the_last_file_are_left_out(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe(saving_frame_per_file=4)
    write_files(camera.directory, 6, per_file=4)
    camera.refer(3)
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 2]
    assert camera.finish(5) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 2, 3, 4]
        assert "warnings" not in file["1.1/writer"]


def test_acquisitions_and_numbers_of_files(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe(saving_frame_per_acquisition=3, saving_next_number=5)
    for number, (first, count) in enumerate([(0, 2), (2, 1), (3, 2), (5, 1)], 5):
        with camera_file(camera.directory / f"cam_{number:04d}.h5", 2) as data:
            for index in range(count):
                data[index] = frame(first + index)
    assert camera.finish(6) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 2, 3, 4, 5]


def test_everything_can_be_moved_together(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path / "here", LayoutOptions())
    camera.describe()
    write_files(camera.directory, 4)
    camera.finish(4)
    shutil.move(tmp_path / "here", tmp_path / "there")
    with h5py.File(tmp_path / "there" / "scan.h5") as file:
        assert pixels(file["1.1/measurement/image"]) == [0, 1, 2, 3]


def test_a_file_per_scan_names_frames_from_its_own_directory(files: OpenFiles, tmp_path: Path) -> None:
    fields = {
        "images_path": f"{tmp_path}/scan0001/{{img_acq_device}}_",
        "writer_options": {"separate_scan_files": True},
    }
    camera = Camera(files, tmp_path, LayoutOptions(), **fields)
    camera.describe()
    write_files(camera.directory, 2)
    assert camera.finish(2) is None
    with h5py.File(tmp_path / "scan0001" / "bliss_master.h5") as file:
        assert pixels(file[DATA]) == [0, 1]
        assert [source.file_name for source in file[DATA].virtual_sources()] == ["cam_0000.h5"]


def test_missing_files_are_named(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe()
    write_files(camera.directory, 6)[1].unlink()
    assert camera.finish(6) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 0, 0, 4, 5]
        assert status(file) == "SUCCEEDED"
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert warning == "cam:image: 1 of 3 files are missing: scan0001/cam_0001.h5"


def test_a_camera_without_frames_leaves_an_empty_group(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe()
    assert camera.finish(0) is None
    with camera.opened() as file:
        assert list(file["1.1/instrument/image"]) == []
        assert "measurement" not in file["1.1"]
        assert status(file) == "SUCCEEDED"


def test_a_camera_without_frames_leaves_what_others_measured(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe()
    diode = channel(camera.scan, "ctl:diode")
    camera.file.add_channel(diode)
    camera.file.append(points(diode, 1.0))
    assert camera.finish(0) is None
    with camera.opened() as file:
        assert list(file["1.1/measurement"]) == ["diode"]


def test_a_camera_that_does_not_save(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.refer(3)
    assert camera.finish(5) is None
    with camera.opened() as file:
        assert list(file["1.1/instrument/image"]) == []
        assert status(file) == "SUCCEEDED"


@pytest.mark.parametrize("shape", [(), (0, 0), (-1, 6)])
def test_a_shape_that_nobody_declares_is_that_of_the_first_frame(
    files: OpenFiles, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe(shape, object)
    camera.refer(1)
    write_files(camera.directory, 2)
    camera.refer(2)
    assert camera.finish(2) is None
    with camera.opened() as file:
        assert (file[DATA].shape, file[DATA].dtype) == ((2, *SHAPE), DTYPE)
        assert pixels(file[DATA]) == [0, 1]


def test_a_shape_that_nobody_ever_tells(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe((0, 0))
    assert camera.finish(2) is None
    with camera.opened() as file:
        assert len(file[DATA]) == 2
        assert "nothing tells the shape" in file["1.1/writer/warnings"].asstr()[0]
        assert status(file) == "SUCCEEDED"


def test_units_come_with_the_end(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe()
    camera.refer(1)
    info = scan_info(CHAIN, filename=str(camera.path))
    info["channels"]["cam:image"]["unit"] = "counts"
    camera.file.finish(info, "", None)
    with camera.opened() as file:
        assert file[DATA].attrs["units"] == "counts"


# -- texts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "format", "suffix", "expected"),
    [
        (NAMED, "HDF5", ".h5", "scan0001/cam_0000.h5::/entry_0000/ESRF-ID00/cam/data::"),
        (LayoutOptions(), "EDF", ".edf", "scan0001/cam_0000.edf::"),
        (EXTERNAL, "EDFGZ", ".edf.gz", "scan0001/cam_0000.edf.gz::"),
        (EXTERNAL, "CBF", ".cbf", "scan0001/cam_0000.cbf::"),
    ],
)
def test_frames_are_named(
    files: OpenFiles, tmp_path: Path, options: LayoutOptions, format: str, suffix: str, expected: str
) -> None:
    camera = Camera(files, tmp_path, options, counters=LIMA)
    camera.describe(saving_format=format, saving_suffix=suffix)
    camera.refer(1)
    assert camera.finish(2) is None
    with camera.opened() as file:
        group = file["1.1/instrument/cam"]
        data = group["image"]
        assert data.asstr()[()].tolist() == [f"{expected}0", f"{expected}1"]
        assert (data.chunks, data.maxshape, data.attrs["interpretation"]) == (None, (2,), "image")
        assert group.get("data", getlink=True).path == "image"
        assert "measurement" not in file["1.1"]
        assert status(file) == "SUCCEEDED"


# -- external datasets -----------------------------------------------------------------------------------


def write_edf(path: Path, *indices: int, dtype: str = "u2", big: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [frame(index).astype(dtype) for index in indices]
    image = EdfImage(data=images[0])
    for other in images[1:]:
        image.append_frame(data=other)
    image.write(str(path))
    if big:
        content = path.read_bytes()
        for one in images:
            content = content.replace(one.tobytes(), one.byteswap().tobytes())
        path.write_bytes(content.replace(b"LowByteFirst ", b"HighByteFirst"))


EDF = {"saving_format": "EDF", "saving_suffix": ".edf"}


@pytest.mark.parametrize("big", [False, True])
def test_edf_frames_are_an_external_dataset(files: OpenFiles, tmp_path: Path, big: bool) -> None:
    camera = Camera(files, tmp_path, EXTERNAL)
    camera.describe(**EDF)
    write_edf(camera.directory / "cam_0000.edf", 257, 258, big=big)
    camera.refer(2)
    with camera.opened() as file:
        assert pixels(file[DATA]) == [257, 258]
    write_edf(camera.directory / "cam_0001.edf", 259, big=big)
    assert camera.finish(3) is None
    with camera.opened() as file:
        data = file["1.1/measurement/image"]
        assert [name for name, _, _ in data.external] == [
            str(camera.directory / name) for name in ("cam_0000.edf", "cam_0000.edf", "cam_0001.edf")
        ]
        assert pixels(data) == [257, 258, 259]
        assert data.dtype == DTYPE.newbyteorder(">" if big else "<")
        assert data.attrs["interpretation"] == "image"
        assert "warnings" not in file["1.1/writer"]


def test_edf_that_is_not_plain_is_named_instead(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, EXTERNAL)
    camera.describe(saving_frame_per_file=1, **EDF)
    write_edf(camera.directory / "cam_0000.edf", 7)
    camera.refer(1)
    write_edf(camera.directory / "cam_0001.edf", 8, dtype="i4")
    camera.refer(2)
    assert camera.finish(2) is None
    with camera.opened() as file:
        assert file[DATA].asstr()[()].tolist() == ["scan0001/cam_0000.edf::0", "scan0001/cam_0001.edf::0"]
        assert "measurement" not in file["1.1"]
        assert status(file) == "SUCCEEDED"
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert "saved as texts, not as external dataset" in warning
        assert "another shape or type" in warning


def test_edf_that_never_comes_is_named_instead(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, EXTERNAL)
    camera.describe(**EDF)
    write_edf(camera.directory / "cam_0000.edf", 7, 8)
    camera.refer(4)
    assert camera.file.cameras.patience_s() > 0
    assert camera.finish(4) is None
    with camera.opened() as file:
        assert len(file[DATA].asstr()[()]) == 4
        assert status(file) == "SUCCEEDED"
        warnings = file["1.1/writer/warnings"].asstr()[()].tolist()
        assert any("1 of 2 files are missing: scan0001/cam_0001.edf" in text for text in warnings)


# -- copies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [0.0, 10.0])
def test_frames_are_copied(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    monkeypatch.setattr(frame_copy, "STEP_S", step_s)
    camera = Camera(files, tmp_path, COPY)
    camera.describe()
    write_files(camera.directory, 7)
    camera.refer(3)
    with camera.opened() as file:
        assert pixels(file["1.1/measurement/image"])[0] == 0
    camera.refer(7)
    assert camera.finish(7) is None
    shutil.rmtree(camera.directory)
    with camera.opened() as file:
        data = file["1.1/measurement/image"]
        assert not data.is_virtual
        assert data.chunks is not None
        assert (data.shape, data.dtype, data.maxshape) == ((7, *SHAPE), DTYPE, (None,) * 3)
        assert pixels(data) == list(range(7))
        assert data.attrs["interpretation"] == "image"
        assert status(file) == "SUCCEEDED"


def test_edf_frames_are_copied(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions(copy_non_external=True))
    camera.describe(**EDF)
    write_edf(camera.directory / "cam_0000.edf", 0, 1)
    write_edf(camera.directory / "cam_0001.edf", 2, big=True)
    assert camera.finish(3) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 2]


def test_a_frame_is_copied_when_it_is_written(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, COPY)
    camera.describe(saving_frame_per_file=4)
    with camera_file(camera.directory / "cam_0000.h5", 4) as data:
        data[0] = frame(0)
        data.file.flush()
        camera.refer(2)
        with camera.opened() as file:
            assert pixels(file[DATA]) == [0]
        assert camera.file.cameras.patience_s() > 0
        data[1] = frame(1)
    assert camera.finish(2) is None
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1]


def test_frames_that_cannot_be_copied_are_lost_and_the_others_not(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, COPY)
    camera.describe()
    write_files(camera.directory, 6)[1].unlink()
    camera.refer(6)
    why = camera.finish(6)
    assert why is not None
    assert "2 of 6 frames are not copied" in why
    assert "cam_0001.h5 (it does not exist)" in why
    with camera.opened() as file:
        assert pixels(file[DATA]) == [0, 1, 0, 0, 4, 5]
        assert status(file) == "FAILED"
        assert why in file["1.1/writer/warnings"].asstr()[()]


def test_without_fabio_frames_of_edf_are_named(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fabio.edfimage", None)
    options = LayoutOptions(enable_external_nonhdf5=True, copy_non_external=True)
    camera = Camera(files, tmp_path, options)
    camera.describe(**EDF)
    write_edf(camera.directory / "cam_0000.edf", 0)
    camera.refer(1)
    assert camera.finish(1) is None
    with camera.opened() as file:
        assert file[DATA].asstr()[()].tolist() == ["scan0001/cam_0000.edf::0"]
        warnings = file["1.1/writer/warnings"].asstr()[()].tolist()
        assert all("install the extra 'images' of nexus-writer" in text for text in warnings)
        assert len(warnings) == 2
