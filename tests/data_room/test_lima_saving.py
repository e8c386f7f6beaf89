"""Where a camera's frames are, by the formula of Lima."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.data.lima_saving import LimaSaving, UnusableSaving

DESCRIPTION: dict[str, Any] = {
    "saving_mode": "AUTO_FRAME",
    "saving_format": "HDF5BS",
    "saving_directory": "/data/scan0001",
    "saving_prefix": "cam_",
    "saving_suffix": ".h5",
    "saving_index_format": "%04d",
    "saving_frame_per_file": 10,
    "saving_frame_per_acquisition": 23,
    "user_detector_name": "cam",
    "user_instrument_name": "ESRF-ID00",
    "lima_version": "1.9.10",
}


def saving(**changes: Any) -> LimaSaving:
    found = LimaSaving.from_description({**DESCRIPTION, **changes})
    assert found is not None
    return found


def files(of: LimaSaving, stop: int) -> list[tuple[str, int, int]]:
    """(file name, first frame in it, number of frames) of each run."""
    return [(run.file.rpartition("/")[2], run.first, run.count) for run in of.runs(0, stop)]


def test_an_acquisition_begins_with_a_new_file() -> None:
    assert files(saving(), 47) == [
        ("cam_0000.h5", 0, 10),
        ("cam_0001.h5", 0, 10),
        ("cam_0002.h5", 0, 3),
        ("cam_0003.h5", 0, 10),
        ("cam_0004.h5", 0, 10),
        ("cam_0005.h5", 0, 3),
        ("cam_0006.h5", 0, 1),
    ]


def test_numbers_of_files_count_from_the_first_number() -> None:
    one_a_file = saving(saving_frame_per_file=1, saving_frame_per_acquisition=6, saving_next_number=7)
    assert files(one_a_file, 2) == [("cam_0007.h5", 0, 1), ("cam_0008.h5", 0, 1)]


def test_without_a_known_number_of_frames_there_is_one_acquisition() -> None:
    assert files(saving(saving_frame_per_acquisition=0), 25)[2] == ("cam_0002.h5", 0, 5)


def test_without_a_limit_each_acquisition_is_one_file() -> None:
    assert files(saving(saving_frame_per_file=-1), 25) == [("cam_0000.h5", 0, 23), ("cam_0001.h5", 0, 2)]


def test_multisets_take_their_number_of_frames_a_file() -> None:
    multiset = saving(saving_overwrite="multiset", acq_nb_frames=4, saving_frame_per_acquisition=5)
    assert files(multiset, 9) == [("cam_0000.h5", 0, 4), ("cam_0001.h5", 0, 4), ("cam_0002.h5", 0, 1)]


@given(st.integers(0, 12), st.integers(0, 30), st.integers(0, 3), st.integers(0, 100), st.data())
def test_any_cut_of_the_frames_gives_the_same_files(
    per_file: int, per_acquisition: int, number: int, stop: int, data: st.DataObject
) -> None:
    camera = saving(
        saving_frame_per_file=per_file,
        saving_frame_per_acquisition=per_acquisition,
        saving_next_number=number,
    )
    cut = data.draw(st.integers(0, stop))

    def frames(start: int, end: int) -> list[tuple[str, int]]:
        return [(run.file, run.first + i) for run in camera.runs(start, end) for i in range(run.count)]

    whole = frames(0, stop)
    assert whole == frames(0, cut) + frames(cut, stop)
    assert len(set(whole)) == stop
    starts = [run.start for run in camera.runs(0, stop)]
    assert starts == sorted(set(starts))


@pytest.mark.parametrize(
    ("version", "path"),
    [("1.9.10", "/entry_0000/ESRF-ID00/cam/data"), ("<1.9.1", "/entry_0000/instrument/cam/data/array")],
)
def test_path_in_an_hdf5_file_depends_on_the_version(version: str, path: str) -> None:
    assert saving(lima_version=version).runs(0, 1)[0].dataset == path


def test_concatenated_frames_are_one_image_of_their_file() -> None:
    found = files(saving(saving_format="EDFCONCAT", saving_frame_per_file=2, saving_suffix=".edf"), 3)
    assert found == [("cam_0000.edf", 0, 1), ("cam_0000.edf", 0, 1), ("cam_0001.edf", 0, 1)]


def test_other_formats_have_no_path_in_the_file() -> None:
    edf = saving(saving_format="EDF", saving_suffix=".edf")
    assert edf.format == "edf"
    assert edf.runs(0, 1)[0].dataset == ""


@pytest.mark.parametrize("description", [{}, {"saving_mode": "NOSAVING"}, {"saving_mode": None}])
def test_a_camera_that_does_not_save_has_no_files(description: dict[str, Any]) -> None:
    assert LimaSaving.from_description(description) is None


def test_directories_are_those_of_this_host() -> None:
    camera = LimaSaving.from_description(DESCRIPTION, lambda path: path.replace("/data", "/mnt"))
    assert camera is not None
    assert camera.runs(0, 1)[0].file == "/mnt/scan0001/cam_0000.h5"


def test_percent_signs_in_directory_and_prefix_stay() -> None:
    camera = saving(saving_directory="/data/50%d", saving_prefix="100%_")
    assert camera.runs(0, 1)[0].file == "/data/50%d/100%_0000.h5"


@pytest.mark.parametrize(
    "field", [{"saving_directory": ""}, {"saving_directory": 3}, {"saving_index_format": "%999999999d"}]
)
def test_what_leads_to_no_file_is_told(field: dict[str, Any]) -> None:
    with pytest.raises(UnusableSaving, match=next(iter(field))):
        saving(**field)
