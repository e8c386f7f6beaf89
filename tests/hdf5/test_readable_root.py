"""Looks into files that may not be there, or not be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_writer.hdf5 import FileDamaged, LiveFile, OpenFiles, look_into, write_value


def test_a_look_into_a_file_that_is_written(files: OpenFiles, live: LiveFile, tmp_path: Path) -> None:
    write_value(live.root, "x", 1)
    assert look_into(files, live.path, list) == ["x"]
    assert look_into(files, tmp_path / "not_there.h5", list) is None


def test_what_the_system_refuses_to_look_at_cannot_be_read(files: OpenFiles, tmp_path: Path) -> None:
    with pytest.raises(FileDamaged, match="File name too long"):
        look_into(files, tmp_path / ("x" * 300 + ".h5"), list)
