"""Images from files of each format that is read, as cameras leave them; fabio writes them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage
from PIL import Image

from nexus_writer.data import image_files
from nexus_writer.data.camera_frames import ImageNotReady, ImageUnavailable
from nexus_writer.data.nodes import LimaImageChannelDataNode, get_node
from nexus_writer.data.path_maps import PATH_MAP_VARIABLE, path_maps
from nexus_writer.model.path_map import BadPathMap
from tests.camera_files import SHAPE, saving, write_files
from tests.data_room.test_camera_images import Camera

Write = Callable[[Path, list[np.ndarray[Any, Any]]], None]


def frame(index: int) -> np.ndarray[Any, Any]:
    """No two pixels of it are alike, nor the same pixel of two frames."""
    return (np.arange(24).reshape(SHAPE) + 100 * index).astype("u2")


def write_edf(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    image = EdfImage(data=frames[0])
    for more in frames[1:]:
        image.append_frame(data=more)
    image.write(str(path))


def write_edf_gz(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    plain = path.with_suffix(".plain.edf")
    write_edf(plain, frames)
    path.write_bytes(gzip.compress(plain.read_bytes()))


def write_concatenated(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    """One image, as high as all frames together."""
    EdfImage(data=np.concatenate(frames)).write(str(path))


def write_cbf(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    (one,) = frames
    CbfImage(data=one).write(str(path))


def write_tiff(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    if len(frames) == 1:
        TifImage(data=frames[0]).write(str(path))
        return
    images = [Image.fromarray(one) for one in frames]
    images[0].save(path, format="TIFF", save_all=True, append_images=images[1:])


FORMATS: dict[str, tuple[Write, str, int]] = {
    "EDF": (write_edf, ".edf", 3),
    "EDFGZ": (write_edf_gz, ".edf.gz", 3),
    "EDFCONCAT": (write_concatenated, ".edf", 3),
    "CBF": (write_cbf, ".cbf", 1),
    "CBFMHEADER": (write_cbf, ".cbf", 1),
    "TIFF": (write_tiff, ".tiff", 1),
    "tiff": (write_tiff, ".tif", 3),
}


@pytest.fixture(autouse=True)
def nothing_runs_for_ever() -> Iterator[None]:
    """A reader that hangs in compiled code is ended."""
    signal.alarm(100)
    yield
    signal.alarm(0)


def differences(values: np.ndarray[Any, Any]) -> bytes:
    """As a CBF file has them; fabio's own are wrong where they need 64 bits."""
    packed = b""
    for step in np.diff(values.ravel().astype("i8"), prepend=0):
        for escape, kind, limit in ((b"", "b", 7), (b"\x80", "<h", 15), (b"\x80\0\x80", "<i", 31)):
            if abs(step) < 2**limit:
                packed += escape + struct.pack(kind, step)
                break
        else:
            packed += b"\x80\0\x80\0\0\0\x80" + struct.pack("<q", step)
    return packed


def files_of(directory: Path, kind: str, frames: int) -> dict[str, Any]:
    """Write frames in a format; what the camera says of its saving."""
    write, suffix, per_file = FORMATS[kind]
    directory.mkdir(exist_ok=True)
    for number, first in enumerate(range(0, frames, per_file)):
        some = [frame(index) for index in range(first, min(first + per_file, frames))]
        write(directory / f"cam_{number:04d}{suffix}", some)
    changes = {"saving_format": kind, "saving_suffix": suffix, "saving_frame_per_file": per_file}
    return saving(directory, **changes)


class TestFormats:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_all_images(self, redis_client: redis.Redis, tmp_path: Path, kind: str) -> None:
        camera = Camera(redis_client, **files_of(tmp_path, kind, 7))
        camera.tell(7, saved=7)
        expected = np.stack([frame(index) for index in range(7)])
        images = camera.node.get(0, -1).get_images(0, -1)
        np.testing.assert_array_equal(images, expected)
        assert images.dtype == "u2"
        np.testing.assert_array_equal(camera.node.get(0, -1).get_images(2, 5), expected[2:6])
        for index in (0, 4, 6):
            np.testing.assert_array_equal(camera.node.get(0, -1).get_image(index), expected[index])

    @pytest.mark.parametrize("kind", [one for one in FORMATS if one != "EDFGZ"])
    def test_a_file_that_is_being_written(self, redis_client: redis.Redis, tmp_path: Path, kind: str) -> None:
        """Wherever it is cut: an error in a line that names file and format, or all of it is there."""
        camera = Camera(redis_client, **files_of(tmp_path, kind, 1))
        camera.tell(1, saved=1)
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        for keep in (*range(0, len(whole) - 1, max(1, len(whole) // 40)), len(whole) - 2):
            path.write_bytes(whole[:keep])
            try:
                values = camera.node.get(0).get_image(0)
            except ImageUnavailable as error:
                assert re.search(
                    rf"File: {re.escape(str(path))} \(.*\), format {kind.upper()}: is it saved", str(error)
                )
                assert "\n" not in str(error)
            else:
                np.testing.assert_array_equal(values, frame(0))
                assert keep > len(whole) - 80, "but for the trailer"
        path.write_bytes(whole)
        np.testing.assert_array_equal(camera.node.get(0).get_image(0), frame(0))

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize(
        "content", [None, b"", b"\0" * 4096, b"no image at all\n" * 300, b"\x04\x22\x4d\x18"]
    )
    def test_what_is_no_such_file(
        self, redis_client: redis.Redis, tmp_path: Path, kind: str, content: bytes | None
    ) -> None:
        camera = Camera(redis_client, **files_of(tmp_path, kind, 1))
        camera.tell(1, saved=1)
        path = tmp_path / f"cam_0000{FORMATS[kind][1]}"
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ImageUnavailable, match=rf"{path.name} \(.+\), format {kind.upper()}"):
            camera.node.get(0).get_image(0)

    @pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4"])
    def test_numbers_of_a_cbf_file(self, redis_client: redis.Redis, tmp_path: Path, dtype: str) -> None:
        """Neighbours that differ by all there is: a detector marks bad pixels so."""
        info = np.iinfo(dtype)
        values = np.array([[info.min, info.max, 0], [1, info.max, info.min]], dtype)
        path = tmp_path / "cam_0000.cbf"
        CbfImage(data=np.zeros_like(values)).write(str(path))
        head, starter, rest = path.read_bytes().partition(b"\x0c\x1a\x04\xd5")
        data = differences(values)
        checksum = base64.b64encode(hashlib.md5(data).digest())
        head = re.sub(rb"(Content-MD5: )\S+", rb"\g<1>" + checksum, head)
        head = re.sub(rb"(X-Binary-Size: )6", rb"\g<1>%d" % len(data), head)
        path.write_bytes(head + starter + data + rest[6:])
        said = saving(tmp_path, saving_format="CBF", saving_suffix=".cbf", saving_frame_per_file=1)
        camera = Camera(redis_client, **said)
        camera.tell(1, saved=1)
        image = camera.node.get(0).get_image(0)
        assert image.dtype == dtype
        np.testing.assert_array_equal(image, values)

    def test_a_cbf_file_of_more_pixels_than_bytes(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        """So many pixels are not made room for."""
        camera = Camera(redis_client, **files_of(tmp_path, "CBF", 1))
        camera.tell(1, saved=1)
        path = tmp_path / "cam_0000.cbf"
        path.write_bytes(path.read_bytes().replace(b"Second-Dimension: 4", b"Second-Dimension: 40000000000"))
        with pytest.raises(ImageUnavailable, match="does not say type, shape and size"):
            camera.node.get(0).get_image(0)

    def test_a_cbf_file_that_was_damaged(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, **files_of(tmp_path, "CBF", 1))
        camera.tell(1, saved=1)
        path = tmp_path / "cam_0000.cbf"
        whole = bytearray(path.read_bytes())
        whole[whole.index(b"\x0c\x1a\x04\xd5") + 6] ^= 1
        path.write_bytes(whole)
        with pytest.raises(ImageUnavailable, match="checksum is another"):
            camera.node.get(0).get_image(0)

    def test_concatenated_frames_count_when_they_are_written(
        self, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        """The header has a frame before the file has."""
        camera = Camera(redis_client, **files_of(tmp_path, "EDFCONCAT", 3))
        camera.tell(3, saved=3)
        path = tmp_path / "cam_0000.edf"
        path.write_bytes(path.read_bytes()[: -frame(0).nbytes // 2])
        view = camera.node.get(0, -1)
        np.testing.assert_array_equal(view.get_images(0, 1), [frame(0), frame(1)])
        with pytest.raises(ImageUnavailable, match=r"no image 2.*has not 3 complete frames"):
            view.get_images(0, 2)

    def test_concatenated_frames_of_unknown_height(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, **files_of(tmp_path, "EDFCONCAT", 3))
        camera.tell(3, saved=3)
        unknown = "does not declare the height"
        for shape, why in (((0, 0), unknown), (("4", 6), unknown), ((5, 6), "12 rows are no frames of 5")):
            camera.node.info["shape"] = shape
            with pytest.raises(ImageUnavailable, match=why):
                camera.node.get(0).get_image(0)

    @pytest.mark.parametrize("kind", ["EDF", "EDFCONCAT", "CBF", "TIFF"])
    def test_without_fabio(
        self, redis_client: redis.Redis, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        camera = Camera(redis_client, **files_of(tmp_path, kind, 1))
        camera.tell(1, saved=1)
        for module in ("edfimage", "compression", "TiffIO"):
            monkeypatch.setitem(sys.modules, f"fabio.{module}", None)
        with pytest.raises(ImageUnavailable, match="EDF, CBF and TIFF files: install the extra 'images'"):
            camera.node.get(0).get_image(0)


class TestTogether:
    """Several images."""

    @pytest.fixture
    def camera(self, redis_client: redis.Redis, tmp_path: Path) -> Camera:
        """20 images in files of 8."""
        camera = Camera(redis_client, **saving(tmp_path, saving_frame_per_file=8))
        write_files(tmp_path, 20, per_file=8)
        camera.tell(20, saved=20)
        return camera

    @pytest.fixture
    def readings(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
        """What is read of which file: first, count."""
        told: list[tuple[str, int, int]] = []
        read = image_files.read_frames

        def noted(path: str, dataset: str, rank: int, first: int, count: int) -> Any:
            told.append((Path(path).name, first, count))
            return read(path, dataset, rank, first, count)

        monkeypatch.setattr(image_files, "read_frames", noted)
        return told

    def test_each_file_is_opened_once(self, camera: Camera, readings: list[tuple[str, int, int]]) -> None:
        images = camera.node.get(0, -1).get_images(5, 17)
        assert [int(one[0, 0]) for one in images] == list(range(5, 18))
        assert readings == [("cam_0000.h5", 5, 3), ("cam_0001.h5", 0, 8), ("cam_0002.h5", 0, 2)]

    @pytest.mark.parametrize(
        ("which", "opened"), [(slice(2, 6), 1), (slice(None, None, -1), 3), (slice(9, 6, -1), 2)]
    )
    def test_slices_too(
        self, camera: Camera, readings: list[tuple[str, int, int]], which: slice, opened: int
    ) -> None:
        images = camera.node.get(0, -1)[which]
        assert [int(one[0, 0]) for one in images] == list(range(20))[which]
        assert len(readings) == opened

    def test_iteration_reads_no_more_than_a_batch_ahead(
        self, camera: Camera, readings: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nexus_writer.data.camera_frames.AT_ONCE_NBYTES", 3 * 4 * 6 * 2)
        images = iter(camera.node.get(0, -1))
        next(images)
        assert readings == [("cam_0000.h5", 0, 3)]
        assert [int(one[0, 0]) for one in images] == list(range(1, 20))
        assert ("cam_0000.h5", 6, 2) in readings and ("cam_0001.h5", 0, 1) in readings

    def test_many_small_ones_are_not_read_at_once(
        self, camera: Camera, readings: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many a camera claims to have."""
        monkeypatch.setattr("nexus_writer.data.camera_frames._MOST_AT_ONCE", 5)
        camera.tell(2**40)
        images = iter(camera.node.get(0, -1))
        assert int(next(images)[0, 0]) == 0
        assert readings == [("cam_0000.h5", 0, 5)]

    def test_those_before_a_missing_one_are_iterated(
        self, camera: Camera, tmp_path: Path, readings: list[tuple[str, int, int]]
    ) -> None:
        (tmp_path / "cam_0002.h5").unlink()
        write_files(tmp_path, 12, per_file=8)
        seen = []
        with pytest.raises(ImageUnavailable, match="no image 12"):
            for image in camera.node.get(0, -1):
                seen.append(int(image[0, 0]))
        assert seen == list(range(12))
        with pytest.raises(ImageUnavailable, match="no image 12"):
            camera.node.get(0, -1).get_images(0, 15)

    def test_images_to_come(self, camera: Camera) -> None:
        view = camera.node.get(0, -1)
        with pytest.raises(ImageNotReady, match="image 20 is not there, 20 are"):
            view.get_images(18, 21)
        assert view.get_images(20, -1).shape[0] == 0
        with pytest.raises(ImageNotReady, match="image -2 "):
            view.get_images(-2, -1)

    def test_an_unknown_size_is_read_in_small_parts(
        self, camera: Camera, readings: list[tuple[str, int, int]]
    ) -> None:
        camera.node.info.update(shape=(0, 0), dtype=None)
        assert len(list(camera.node)) == 20
        assert max(count for _, _, count in readings) == 8


class TestPathMap:
    """Files that are mounted elsewhere on this host."""

    @pytest.fixture
    def camera(self, redis_client: redis.Redis, tmp_path: Path) -> Camera:
        """It says /data/visitor; the files are in mnt/visitor."""
        write_files(tmp_path / "mnt" / "visitor", 4)
        camera = Camera(redis_client, **saving(Path("/data/visitor")))
        camera.tell(4, saved=4)
        return camera

    def test_none(self, camera: Camera) -> None:
        with pytest.raises(ImageUnavailable, match=r"/data/visitor/cam_0000.h5 .*there or by a path_map\?"):
            camera.node.get(0).get_image(0)

    def test_given(self, camera: Camera, redis_client: redis.Redis, tmp_path: Path) -> None:
        path_map = {"/data": str(tmp_path / "mnt"), "/other": "/mnt"}
        node = LimaImageChannelDataNode(connection=redis_client, name=camera.key, path_map=path_map)
        assert [int(one[0, 0]) for one in node] == [0, 1, 2, 3]
        expected = str(tmp_path / "mnt/visitor/cam_0001.h5")
        assert node.get(0, -1).image_reference(3).file == expected
        found = get_node(camera.key, redis_client)
        assert isinstance(found, LimaImageChannelDataNode)
        found.path_map = path_map
        assert found.references(3, 4)[0].file == expected

    def test_of_the_environment(
        self, camera: Camera, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PATH_MAP_VARIABLE, f"/other=/mnt, /data={tmp_path / 'mnt'}")
        assert [int(one[0, 0]) for one in camera.node] == [0, 1, 2, 3]
        elsewhere = LimaImageChannelDataNode(camera.key, redis_client, path_map={})
        assert elsewhere.references(0, 1)[0].file == "/data/visitor/cam_0000.h5", "what is given holds"

    def test_walks_tell_where_this_host_sees_them(
        self, camera: Camera, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PATH_MAP_VARIABLE, f"/data={tmp_path / 'mnt'}")
        session = get_node("session", redis_client)
        assert session is not None
        told = [event.data for event in session.walk_events("lima", wait=False) if event.data is not None]
        assert told[0].data[0].file == str(tmp_path / "mnt/visitor/cam_0000.h5")

    @pytest.mark.parametrize("bad", [{"data": "/mnt"}, {"/data": "mnt"}, {"/data": ""}])
    def test_one_that_makes_no_sense(
        self, camera: Camera, redis_client: redis.Redis, bad: dict[str, str]
    ) -> None:
        node = LimaImageChannelDataNode(camera.key, redis_client, path_map=bad)
        with pytest.raises(BadPathMap, match="two absolute directories"):
            node.get(0).get_image(0)

    def test_the_longest_that_fits(self) -> None:
        maps = path_maps({"/data": "/mnt/a", "/data/visitor": "/mnt/b"})
        assert maps.apply("/data/visitor/x") == "/mnt/b/x" and maps.apply("/data/x") == "/mnt/a/x"
        assert maps.apply("/database") == "/database"
