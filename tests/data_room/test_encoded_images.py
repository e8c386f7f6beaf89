"""Images with their headers, as a Lima server sends them."""

from __future__ import annotations

import numpy as np
import pytest

from nexus_writer.data.encoded_images import ImageUndecodable, decode_data_array, decode_video_image
from tests.lima_server import SHAPE, data_array, image, video_image

TYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", TYPES)
def test_an_image_of_each_type(dtype: str, order: str) -> None:
    values = image(0).astype(order + dtype)
    found = decode_data_array(data_array(values, endianness=int(order == ">")))
    assert found.shape == SHAPE and found.dtype == np.dtype(dtype) and found.dtype.isnative
    assert np.array_equal(found, values)
    found[0, 0] = 1


@pytest.mark.parametrize("version", [1, 2, 3])
def test_all_versions_begin_alike(version: int) -> None:
    assert np.array_equal(decode_data_array(data_array(image(3), version)), image(3))


def test_a_longer_header_is_skipped() -> None:
    format, data = data_array(image(3), 4, header_size=80)
    assert np.array_equal(decode_data_array((format, data[:64] + bytes(16) + data[64:])), image(3))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"magic": 1}, "begins with"),
        ({"version": 0}, "begins with"),
        ({"header_size": 20}, "header says to have 20 bytes"),
        ({"header_size": 66}, "46 bytes of pixels"),
        ({"header_size": 65535}, "0 bytes of pixels"),
        ({"data_type": 10}, "of the type 10"),
        ({"data_type": 2**32 - 1}, "of the type 4294967295"),
        ({"endianness": 2}, "byte order is 2"),
        ({"nb_dim": 3}, "3 dimensions"),
        ({"width": 0}, "no image of"),
        ({"width": 7}, "no image of"),
        ({"width": 65535, "height": 65535}, "no image of"),
    ],
)
def test_a_header_is_not_believed(changed: dict[str, int], why: str) -> None:
    with pytest.raises(ImageUndecodable, match=why):
        decode_data_array(data_array(image(0), **changed))


def test_every_cut_is_noticed() -> None:
    for format, data, decode in (
        (*data_array(image(0)), decode_data_array),
        (*video_image(1, image(0).tobytes(), 0), decode_video_image),
    ):
        for length in range(len(data)):
            with pytest.raises(ImageUndecodable):
                decode((format, data[:length]))
        with pytest.raises(ImageUndecodable):
            decode((format, data + b"\0"))


def test_any_byte_of_a_header_may_be_wrong() -> None:
    """Then it is an image of as many pixels, or an error that says so."""
    for format, data, header_size, decode in (
        (*data_array(image(0)), 64, decode_data_array),
        (*video_image(1, image(0).tobytes(), 0), 32, decode_video_image),
    ):
        for at in range(header_size):
            for value in range(256):
                changed = bytearray(data)
                changed[at] = value
                try:
                    found = decode((format, bytes(changed)))
                except ImageUndecodable:
                    continue
                values = found if isinstance(found, np.ndarray) else getattr(found, "values", None)
                assert values is None or values.nbytes == image(0).nbytes


def test_formats_are_not_mixed_up() -> None:
    with pytest.raises(ImageUndecodable, match="'VIDEO_IMAGE' instead of DATA_ARRAY"):
        decode_data_array(video_image(1, image(0).tobytes(), 0))
    with pytest.raises(ImageUndecodable, match="'DATA_ARRAY' instead of VIDEO_IMAGE"):
        decode_video_image(data_array(image(0)))


@pytest.mark.parametrize(("mode", "dtype"), [(0, "u1"), (1, "u2"), (2, "i4"), (3, "i8")])
def test_live_images_in_grey(mode: int, dtype: str) -> None:
    for order, endianness in (("<", 0), (">", 1)):
        values = image(1).astype(order + dtype)
        found = decode_video_image(video_image(mode, values.tobytes(), 7, endianness=endianness))
        assert found is not None and found.frame_number == 7
        assert np.array_equal(found.values, values) and found.values.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("mode", "order"), [(6, (0, 1, 2)), (7, (0, 1, 2, 3)), (8, (2, 1, 0)), (9, (2, 1, 0, 3))]
)
def test_live_images_in_colour_are_red_green_blue(mode: int, order: tuple[int, ...]) -> None:
    colours = np.arange(24 * len(order), dtype="u1").reshape(*SHAPE, len(order))
    found = decode_video_image(video_image(mode, colours[..., order].tobytes(), 0))
    assert found is not None and np.array_equal(found.values, colours)


def test_no_live_image_yet() -> None:
    assert decode_video_image(video_image(1, b"", -1)) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"magic": 1}, "begins with"),
        ({"version": 2}, "begins with"),
        ({"header_size": 31}, "header says to have 31"),
        ({"header_size": 65535}, "0 bytes of pixels"),
        ({"endianness": 7}, "byte order is 7"),
        ({"mode": 14}, "video mode is 14.*set video_mode"),
        ({"width": -6, "height": -4}, "no image of"),
        ({"width": 2**31 - 1, "height": 2**31 - 1}, "no image of"),
    ],
)
def test_the_header_of_a_live_image_is_not_believed(changed: dict[str, int], why: str) -> None:
    with pytest.raises(ImageUndecodable, match=why):
        decode_video_image(video_image(1, image(0).tobytes(), 0, **changed))
