"""What is said of files of cameras when a scan has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_writer.layout import frame_check
from nexus_writer.layout.frame_check import is_incomplete, what_is_wrong
from nexus_writer.model import FrameRun
from tests.camera_files import DATASET, SHAPE, camera_file, frame, write_files


def runs(directory: Path, files: int, per_file: int = 2) -> list[FrameRun]:
    return [
        FrameRun(n * per_file, per_file, str(directory / f"cam_{n:04d}.h5"), DATASET, 0) for n in range(files)
    ]


def test_nothing_is_wrong_with_all_files_there(tmp_path: Path) -> None:
    write_files(tmp_path, 6)
    assert what_is_wrong(runs(tmp_path, 3), SHAPE, tmp_path) == []


def test_missing_files_are_named_from_the_directory_of_the_scan(tmp_path: Path) -> None:
    for path in write_files(tmp_path / "scan0001", 16)[1:]:
        path.unlink()
    (text,) = what_is_wrong(runs(tmp_path / "scan0001", 8), SHAPE, tmp_path)
    assert text.startswith("7 of 8 files are missing: scan0001/cam_0001.h5, scan0001/cam_0002.h5, ")
    assert text.endswith("scan0001/cam_0005.h5 and 2 more")


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    (text,) = what_is_wrong(runs(tmp_path / "nowhere", 1), SHAPE, tmp_path)
    assert text == "1 of 1 files are missing: nowhere/cam_0000.h5"


def test_frames_that_were_never_written(tmp_path: Path) -> None:
    write_files(tmp_path, 4)
    with camera_file(tmp_path / "cam_0001.h5", 2) as data:
        data[0] = frame(2)
    (text,) = what_is_wrong(runs(tmp_path, 2), SHAPE, tmp_path)
    assert text.startswith("frames could not be read at the end of the scan: cam_0001.h5 (frames up to 1 ")


def test_files_are_incomplete_until_their_last_frame_is_written(tmp_path: Path) -> None:
    assert not is_incomplete([], 2)
    write_files(tmp_path, 2)
    assert is_incomplete(runs(tmp_path, 2), None)
    with camera_file(tmp_path / "cam_0001.h5", 2) as data:
        data[0] = frame(2)
        data.file.flush()
        assert not is_incomplete(runs(tmp_path, 2), None)
        assert is_incomplete(runs(tmp_path, 2), 2)
        data[1] = frame(3)
    assert not is_incomplete(runs(tmp_path, 2), 2)


def test_frames_of_another_shape(tmp_path: Path) -> None:
    write_files(tmp_path, 2)
    (text,) = what_is_wrong(runs(tmp_path, 1), (3, 3), tmp_path)
    assert "frames of (4, 6) instead of (3, 3)" in text


def test_files_of_other_formats_are_only_looked_for(tmp_path: Path) -> None:
    (tmp_path / "cam.edf").write_bytes(b"anything")
    assert what_is_wrong([FrameRun(0, 1, str(tmp_path / "cam.edf"), "", 0)], None, tmp_path) == []


def test_looking_takes_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_check, "LOOK_S", 0.0)
    for n in range(3):
        with camera_file(tmp_path / f"cam_{n:04d}.h5", 2):
            pass
    (text,) = what_is_wrong(runs(tmp_path, 3), SHAPE, tmp_path)
    assert text.count("not written") == 1
