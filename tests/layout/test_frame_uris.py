"""Texts that say where frames are."""

from __future__ import annotations

from pathlib import Path

from nexus_writer.layout.frame_uris import frame_uris
from nexus_writer.model import FrameRun


def test_hdf5_has_a_path_in_the_file() -> None:
    runs = [FrameRun(0, 2, "/data/ds/scan0001/cam_0000.h5", "/e/data", 3)]
    assert frame_uris(runs, Path("/data/ds")) == [
        "scan0001/cam_0000.h5::/e/data::3",
        "scan0001/cam_0000.h5::/e/data::4",
    ]


def test_other_formats_have_none() -> None:
    runs = [FrameRun(0, 1, "/data/images/a.edf", "", 0), FrameRun(1, 1, "/data/images/b.edf", "", 1)]
    assert frame_uris(runs, Path("/data/ds")) == ["../images/a.edf::0", "../images/b.edf::1"]
