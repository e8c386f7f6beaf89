from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import IndexGoesBack, OverrunError, RingBuffer
from tests.acquisition.programs import answer, program


@pytest.fixture(params=["single", "double", "single shared", "double shared"])
def buffer(request: pytest.FixtureRequest) -> Iterator[RingBuffer]:
    ring = RingBuffer((10, 2), "float32", double="double" in request.param, shmem="shared" in request.param)
    yield ring
    ring.close()


def numbers(start: int, stop: int) -> np.ndarray[Any, Any]:
    return np.arange(2 * start, 2 * stop, dtype="float32").reshape(-1, 2)


@pytest.mark.parametrize("shmem", [None, True])
@pytest.mark.parametrize(
    ("dtype", "fill", "expected"),
    [("float64", None, np.nan), ("complex64", None, np.nan), ("int32", None, 0), ("int16", -7, -7)],
)
def test_a_new_buffer_reads_as_fill(shmem: bool | None, dtype: str, fill: Any, expected: Any) -> None:
    ring = RingBuffer((4, 3), dtype, shmem=shmem, fill=fill)
    np.testing.assert_array_equal(ring[:], np.full((4, 3), expected, dtype))
    assert (ring.index(), ring.first_index()) == (0, -4)
    ring.close()


def test_what_is_not_there_is_not_clipped(buffer: RingBuffer) -> None:
    for item in (-11, 1, 0, slice(-11, None), slice(0, 1), slice(-3, 2)):
        with pytest.raises(IndexError):
            buffer[item]
    buffer.new_chunk(numbers(0, 5))
    for segment in ((0, 6), (-6, 2), (3, 2)):
        with pytest.raises(IndexError, match="not in the buffer"):
            buffer.get_data(*segment)
    with pytest.raises(TypeError):
        buffer["a"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        (numbers(0, 11), ValueError),
        (numbers(0, 2).astype("float64"), TypeError),
        (np.zeros((2, 1), "float32"), ValueError),
        (np.zeros(2, "float32"), ValueError),
    ],
)
def test_a_chunk_that_does_not_fit_changes_nothing(
    buffer: RingBuffer, chunk: np.ndarray[Any, Any], error: type[Exception]
) -> None:
    buffer.new_chunk(numbers(0, 7))
    before = buffer[:].copy()
    with pytest.raises(error):
        buffer.new_chunk(chunk)
    np.testing.assert_array_equal(buffer[:], before)
    assert buffer.index() == 7


def test_contents_over_many_breaks(buffer: RingBuffer) -> None:
    index = 0
    for count in (3, 4, 6, 10, 0, 1, 9, 7):
        buffer.new_chunk(numbers(index, index + count))
        index += count
        assert buffer.index() == index
        first = max(0, index - 10)
        np.testing.assert_array_equal(buffer.get_data(first, index), numbers(first, index))


@pytest.mark.parametrize("skipped", [7, 15])
def test_skipped_samples_read_as_fill(buffer: RingBuffer, skipped: int) -> None:
    buffer.new_chunk(numbers(0, 8))
    start = 8 + skipped
    buffer.new_chunk(numbers(start, start + 2), index=start + 2)
    everything = np.full((start + 2, 2), np.nan, "float32")
    everything[:8], everything[start:] = numbers(0, 8), numbers(start, start + 2)
    np.testing.assert_array_equal(buffer[:], everything[-10:])


def test_an_index_that_goes_back_is_refused(buffer: RingBuffer) -> None:
    buffer.new_chunk(numbers(0, 8))
    before = buffer[:].copy()
    with pytest.raises(IndexGoesBack, match="starts at index 7"):
        buffer.new_chunk(numbers(0, 2), index=9)
    np.testing.assert_array_equal(buffer[:], before)


@pytest.mark.parametrize("axisorder", [None, (1, 0)])
@pytest.mark.parametrize("double", [True, False])
def test_slices_are_those_of_an_array(double: bool, axisorder: tuple[int, ...] | None) -> None:
    ring = RingBuffer((10, 2), "float32", double=double, axisorder=axisorder)
    ring.new_chunk(numbers(0, 10))
    ring.new_chunk(numbers(10, 14))
    whole = ring[:].copy()
    np.testing.assert_array_equal(whole, numbers(4, 14))
    for item in (
        np.s_[-3], np.s_[-10], np.s_[-6:-2], np.s_[-6:], np.s_[::3], np.s_[::-1], np.s_[::-3],
        np.s_[-2:-8:-2], np.s_[-2:-8:2], np.s_[-4:-4], np.s_[:, 1], np.s_[-5:, ::-1], np.s_[-1, 0],
    ):  # fmt: skip
        np.testing.assert_array_equal(ring[item], whole[item], err_msg=str(item))
    np.testing.assert_array_equal(ring[5:9], whole[1:5])


def test_the_order_of_axes_in_memory() -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        ring = RingBuffer((8, 3, 2), "int16", axisorder=order, shmem=True)
        strides = ring[:].strides
        assert ring[:].shape == (8, 3, 2)
        assert tuple(np.argsort(strides)[::-1]) == order
        ring.close()
    with pytest.raises(ValueError, match="name each axis"):
        RingBuffer((8, 3), "int16", axisorder=(0, 0))


def test_a_shape_that_is_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"give a length for each axis, like \(10, 1\)"):
        RingBuffer(10, "float64")  # type: ignore[arg-type]


def test_copies_views_and_parts() -> None:
    ring = RingBuffer((10, 2), "float32", double=False)
    ring.new_chunk(numbers(0, 10))
    ring.new_chunk(numbers(10, 14))
    copied, view = ring.get_data(10, 13, copy=True), ring.get_data(10, 13)
    assert np.shares_memory(view, ring.get_data(10, 12))
    copied[:] = -1
    np.testing.assert_array_equal(view, numbers(10, 13))
    parts = ring.get_data(6, 13, join=False)
    assert [len(part) for part in parts] == [4, 3]
    assert np.shares_memory(parts[0], ring.get_data(6, 8))
    np.testing.assert_array_equal(np.concatenate(parts), numbers(6, 13))
    double = RingBuffer((10, 2), "float32")
    double.new_chunk(numbers(0, 10))
    double.new_chunk(numbers(10, 14))
    assert np.shares_memory(double.get_data(6, 13), double.get_data(7, 9))


def test_structured_samples() -> None:
    dtype = np.dtype([("datetime", "datetime64[ms]"), ("message", "S32")])
    ring = RingBuffer((5,), dtype, shmem=True)
    events = np.array([("2024-05-06T07:08:09.010", b"on"), ("2024-05-06T07:08:10", b"off")], dtype)
    ring.new_chunk(events)
    np.testing.assert_array_equal(ring[0:2], events)
    ring.close()


def test_an_index_that_was_reset_begins_again(buffer: RingBuffer) -> None:
    buffer.new_chunk(numbers(0, 7))
    buffer.reset_index()
    assert (buffer.index(), buffer.resets()) == (0, 1)
    buffer.new_chunk(numbers(3, 5))
    np.testing.assert_array_equal(buffer[0:2], numbers(3, 5))


READER = """
import sys
from nexus_writer.acquisition import RingBuffer
ring = RingBuffer((10, 2), "float32", shmem=sys.argv[1])
print(ring.index(), ring[0:3].tolist(), flush=True)
try:
    ring.new_chunk(ring[0:1].copy())
except ValueError as error:
    print("refused", ring.index(), flush=True)
"""


def test_another_process_reads_and_can_not_write() -> None:
    ring = RingBuffer((10, 2), "float32", shmem=True)
    ring.new_chunk(numbers(0, 3))
    assert ring.shm_id
    with program(READER, ring.shm_id) as reader:
        assert answer(reader) == f"3 {numbers(0, 3).tolist()}"
        assert answer(reader) == "refused 3"
    ring.close()


def test_no_copy_is_mixed_while_the_writer_runs_round_the_buffer() -> None:
    written = RingBuffer((8, 4096), "int64", double=False, shmem=True)
    read = RingBuffer((8, 4096), "int64", double=False, shmem=written.shm_id)
    done = threading.Event()

    def write() -> None:
        for number in range(6000):
            written.new_chunk(np.full((2, 4096), number))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    whole = overruns = 0
    while not done.is_set():
        stop = read.index()
        if stop < 8:
            continue
        try:
            chunk = read.get_data(stop - 8, stop - 6, copy=True)
        except IndexError as error:
            overruns += isinstance(error, OverrunError)
            continue
        assert len(np.unique(chunk)) == 1
        whole += 1
    writer.join()
    read.close()
    written.close()
    assert whole
    assert overruns
