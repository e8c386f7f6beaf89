"""EDF files as cameras leave them, written by fabio."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabio.edfimage import EdfImage

from nexus_writer.data.edf_files import NotRaw, raw_frames, read_frames
from nexus_writer.data.fabio_files import FabioMissing
from nexus_writer.hdf5 import FramesUnreadable


def edf(path: Path, *frames: Any, **header: str) -> str:
    """A file with these frames."""
    image = EdfImage(data=np.asarray(frames[0]), header=dict(header))
    for frame in frames[1:]:
        image.append_frame(data=np.asarray(frame), header=dict(header))
    image.write(str(path))
    return str(path)


def frames_of(count: int, dtype: str = "u2") -> list[np.ndarray[Any, Any]]:
    return [np.arange(12, dtype=dtype).reshape(3, 4) + 100 * n for n in range(count)]


def at(path: str, frame: Any) -> Any:
    """The values that ``frame`` leads to."""
    values = np.frombuffer(Path(path).read_bytes(), frame.dtype, 12, frame.offset)
    return values.reshape(frame.shape)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_each_frame_lies_behind_its_header(tmp_path: Path, dtype: str) -> None:
    frames = frames_of(3, dtype)
    path = edf(tmp_path / "cam.edf", *frames)
    found = raw_frames(path, 1, 2)
    assert [frame.file for frame in found] == [path, path]
    for frame, values in zip(found, frames[1:], strict=True):
        assert np.array_equal(at(path, frame), values)
    assert np.array_equal(read_frames(path, 0, 3), frames)


def swapped(path: str, dtype: str) -> None:
    """Turn a little-endian file into a big-endian one, as a camera's computer of the other kind writes it."""
    (frame,) = raw_frames(path, 0, 1)
    data = bytearray(Path(path).read_bytes())
    values = at(path, frame).astype(np.dtype(dtype).newbyteorder(">"))
    data[frame.offset : frame.offset + frame.nbytes] = values.tobytes()
    Path(path).write_bytes(bytes(data).replace(b"LowByteFirst ", b"HighByteFirst", 1))


def test_byte_order_is_that_of_the_file(tmp_path: Path) -> None:
    path = edf(tmp_path / "cam.edf", *frames_of(1))
    swapped(path, "u2")
    (frame,) = raw_frames(path, 0, 1)
    assert frame.dtype == np.dtype(">u2")
    assert np.array_equal(at(path, frame), frames_of(1)[0])
    assert np.array_equal(read_frames(path, 0, 1), frames_of(1))


@pytest.mark.parametrize("keep", [0, 100, 515, -1])
def test_a_file_that_is_still_being_written_has_not_all_its_frames(tmp_path: Path, keep: int) -> None:
    path = edf(tmp_path / "cam.edf", *frames_of(2))
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[:keep])
    for read in (raw_frames, read_frames):
        with pytest.raises(FramesUnreadable):
            read(path, 0, 2)
    if keep == -1:
        assert len(raw_frames(path, 0, 1)) == 1


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    for read in (raw_frames, read_frames):
        with pytest.raises(FramesUnreadable, match=r"cam\.edf"):
            read(str(tmp_path / "cam.edf"), 0, 1)


def test_compressed_files_are_read_but_not_raw(tmp_path: Path) -> None:
    path = edf(tmp_path / "cam.edf", *frames_of(2))
    compressed = tmp_path / "cam.edf.gz"
    compressed.write_bytes(gzip.compress(Path(path).read_bytes()))
    with pytest.raises(NotRaw, match="compressed"):
        raw_frames(str(compressed), 0, 1)
    assert np.array_equal(read_frames(str(compressed), 0, 2), frames_of(2))


def test_compressed_frames_are_not_raw(tmp_path: Path) -> None:
    path = edf(tmp_path / "cam.edf", *frames_of(1), COMPRESSION="GZIP")
    with pytest.raises(NotRaw, match="GZIP"):
        raw_frames(path, 0, 1)


def test_without_fabio_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = edf(tmp_path / "cam.edf", *frames_of(1))
    monkeypatch.setitem(sys.modules, "fabio.edfimage", None)
    with pytest.raises(FabioMissing, match="install the extra 'images' of nexus-writer"):
        read_frames(path, 0, 1)
