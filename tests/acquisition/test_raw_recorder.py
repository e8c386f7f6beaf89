from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import InputStream, OutputStream
from nexus_writer.acquisition.detectors import CounterDetector, RawReader, RawRecorder, SpectrumDetector
from tests.acquisition.programs import answer, program
from tests.waiting import wait_until

Open = Callable[..., OutputStream]


@pytest.fixture
def opened() -> Iterator[Open]:
    outputs: list[OutputStream] = []

    def open_output(**params: Any) -> OutputStream:
        outputs.append(OutputStream())
        outputs[-1].configure(**{"shape": (-1, 3), "dtype": "int64", **params})
        return outputs[-1]

    yield open_output
    for output in outputs:
        output.close()


def rows(start: int, stop: int) -> np.ndarray[Any, Any]:
    return np.arange(3 * start, 3 * stop).reshape(-1, 3)


def recorder_of(directory: Path, **streams: Any) -> RawRecorder:
    recorder = RawRecorder()
    recorder.configure(streams=streams, directory=directory)
    recorder.initialize()
    return recorder


def test_streams_are_read_back(opened: Open, tmp_path: Path) -> None:
    dtype = [("time", "<f8"), ("name", "S4")]
    numbers = opened(units="V", sample_rate=50.0, channel_info=[{"name": n} for n in "abc"])
    events = opened(shape=(-1,), dtype=dtype)
    shared = opened(
        shape=(-1, 2, 4), dtype="float32", transfermode="sharedmem", buffer_size=64, policy="block"
    )
    recorder = recorder_of(tmp_path / "raw", numbers=numbers, events=events, shared=shared)
    recorder.start()
    spectra = np.random.default_rng(0).random((500, 2, 4)).astype("f4")
    occurred = np.array([(1.5, b"on"), (2.5, b"off")], dtype)
    for start in range(0, 500, 10):
        numbers.send(rows(start, start + 10)[::, ::-1])
        shared.send(spectra[start : start + 10])
    events.send(occurred)
    recorder.stop()
    reader = RawReader(tmp_path / "raw")
    assert reader.names == ["numbers", "events", "shared"]
    np.testing.assert_array_equal(reader.data("numbers"), rows(0, 500)[:, ::-1])
    np.testing.assert_array_equal(reader.index("numbers"), np.arange(500))
    assert reader.data("shared").tobytes() == spectra.tobytes()
    assert reader.data("events").tobytes() == occurred.tobytes()
    params = reader.params("numbers")
    assert (params["units"], params["sample_rate"], params["channel_info"][2]) == ("V", 50.0, {"name": "c"})
    assert (reader.gaps("numbers"), reader.lost("numbers"), reader.runs("numbers")) == ([], 0, [0])
    recorder.close()


def test_gaps_are_seen(opened: Open, tmp_path: Path) -> None:
    numbers = opened(policy="drop_newest", queue_chunks=2, shape=(-1, 30_000))
    recorder = recorder_of(tmp_path / "raw", numbers=numbers)
    for number in range(300):  # before the start: only some find room
        numbers.send(np.full((1, 30_000), number))
    recorder.start()
    wait_until(lambda: len(RawReader(tmp_path / "raw").index("numbers")) > 1, "what waited is written")
    recorder.stop()
    recorder.start()
    numbers.send(np.full((1, 30_000), 999), index=1000)
    recorder.stop()
    reader = RawReader(tmp_path / "raw")
    index, gaps = reader.index("numbers"), reader.gaps("numbers")
    np.testing.assert_array_equal(reader.data("numbers")[:, 0], index)
    missing = [number for start, stop in gaps for number in range(start, stop)]
    assert sorted([*index, *missing]) == list(range(index[-1] + 1))
    assert reader.runs("numbers") == [0, 1]
    assert reader.gaps("numbers", run=1) == [(0, 999)]
    before = 300 if index[-1] == 299 else 999  # an index that jumps behind the last chunk tells of no loss
    assert reader.lost("numbers") == before - len(index) > 0
    recorder.close()


def test_an_overrun_is_a_gap(opened: Open, tmp_path: Path) -> None:
    shared = opened(transfermode="sharedmem", buffer_size=20)
    recorder = recorder_of(tmp_path / "raw", shared=shared)
    for start in range(0, 100, 10):
        shared.send(rows(start, start + 10))
    recorder.start()
    wait_until(lambda: recorder.inputs["shared"].lost, "the overrun is seen")
    shared.send(rows(100, 110))
    recorder.stop()
    reader = RawReader(tmp_path / "raw")
    np.testing.assert_array_equal(reader.data("shared"), rows(100, 110))
    assert (reader.gaps("shared"), reader.lost("shared")) == ([(0, 100)], 100)
    recorder.close()


def test_each_start_and_each_new_beginning_is_a_run(opened: Open, tmp_path: Path) -> None:
    numbers = opened()
    recorder = recorder_of(tmp_path / "raw", numbers=numbers)
    for run in range(3):
        numbers.reset_buffer_index()
        recorder.start()
        numbers.send(rows(100 * run, 100 * run + 10))
        recorder.stop()
    recorder.start()
    numbers.reset_buffer_index()
    numbers.send(rows(300, 305))
    numbers.reset_buffer_index()
    numbers.send(rows(400, 405))
    recorder.stop()
    reader = RawReader(tmp_path / "raw")
    assert reader.runs("numbers") == [0, 1, 2, 3, 4]
    for run in range(5):
        count = 10 if run < 3 else 5
        np.testing.assert_array_equal(reader.data("numbers", run), rows(100 * run, 100 * run + count))
        np.testing.assert_array_equal(reader.index("numbers", run), np.arange(count))
    assert len(reader.data("numbers", run=9)) == 0
    recorder.close()


RECORD = """
import json, sys
from nexus_writer.acquisition.detectors import RawRecorder
recorder = RawRecorder()
recorder.configure(streams=json.loads(sys.argv[1]), directory=sys.argv[2])
recorder.initialize()
recorder.start()
print("recording", flush=True)
sys.stdin.readline()
"""


def test_a_recorder_that_is_killed_has_whole_chunks(tmp_path: Path) -> None:
    """Detectors at full speed, a kill at any moment: what is read back is what they sent, from the begin."""
    counter, spectrum = CounterDetector(), SpectrumDetector()
    counter.configure(channels=3, rate_hz=20_000.0, block_points=50)
    spectrum.configure(bins=256, rate_hz=2000.0, block_points=5)
    for node in counter, spectrum:
        for output in node.outputs.values():
            output.configure(policy="drop_newest")
        node.initialize()
    streams = {"counts": counter.output.params, "spectra": spectrum.outputs["spectra"].params}
    directory = tmp_path / "raw"
    with program(RECORD, json.dumps(streams), str(directory)) as recording:
        assert answer(recording) == "recording"
        for node in counter, spectrum:
            node.start()
        wait_until(lambda: (directory / "spectra.chunks").stat().st_size > 5 * 32, "some chunks")
        recording.kill()
        recording.wait()
    for node in counter, spectrum:
        node.stop()
    reader = RawReader(directory)
    for name, node in (("counts", counter), ("spectra", spectrum)):
        data = reader.data(name)
        assert len(data) > 0
        assert reader.gaps(name) == []
        assert data.tobytes() == node.expected(0, len(data)).tobytes()
        assert len(reader.index(name)) == len(data)
    for node in counter, spectrum:
        node.close()


def test_what_a_kill_left_half_written_is_not_read(opened: Open, tmp_path: Path) -> None:
    numbers = opened()
    recorder = recorder_of(tmp_path / "raw", numbers=numbers)
    recorder.start()
    for start in range(0, 50, 10):
        numbers.send(rows(start, start + 10))
    recorder.stop()
    recorder.close()
    raw, chunks = tmp_path / "raw" / "numbers.raw", tmp_path / "raw" / "numbers.chunks"
    whole_raw, whole_chunks = raw.read_bytes(), chunks.read_bytes()
    for raw_bytes, chunk_bytes, points in (
        (len(whole_raw) - 1, len(whole_chunks), 40),
        (len(whole_raw), len(whole_chunks) - 1, 40),
        (len(whole_raw) - 24 * 10 - 5, len(whole_chunks) - 32, 30),
        (0, len(whole_chunks), 0),
    ):
        raw.write_bytes(whole_raw[:raw_bytes])
        chunks.write_bytes(whole_chunks[:chunk_bytes])
        np.testing.assert_array_equal(RawReader(tmp_path / "raw").data("numbers"), rows(0, points))


def test_a_disk_that_was_full_shifts_no_sample(opened: Open, tmp_path: Path) -> None:
    """What a chunk left behind that was written in part must not be taken for the next one."""
    numbers = opened()
    recorder = recorder_of(tmp_path / "raw", numbers=numbers)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        recorder.start()
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
        for start in range(0, 300, 10):
            numbers.send(rows(start, start + 10))
        wait_until(lambda: recorder.failure() is not None, "no space")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(OSError, match="File too large"):
        recorder.stop()
    recorder.input.empty_queue()
    numbers.reset_buffer_index()
    recorder.start()
    numbers.send(rows(1000, 1010))
    recorder.stop()
    recorder.close()
    reader = RawReader(tmp_path / "raw")
    np.testing.assert_array_equal(reader.data("numbers", 0), rows(0, 200))
    np.testing.assert_array_equal(reader.data("numbers", 1), rows(1000, 1010))


def test_nothing_is_overwritten(opened: Open, tmp_path: Path) -> None:
    recorder = RawRecorder()
    recorder.configure(streams={"a": opened()}, directory=tmp_path)
    with pytest.raises(FileExistsError, match="is there already: give a new directory"):
        recorder.initialize()
    recorder.close()


def test_names_and_directories_that_can_not_be(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"stream 'a/b': use letters"):
        RawRecorder().configure(streams={"a/b": opened()}, directory=tmp_path / "raw")
    with pytest.raises(FileNotFoundError, match=r"has no streams\.json: give the directory of a recording"):
        RawReader(tmp_path)
    recorder_of(tmp_path / "raw", numbers=opened()).close()
    with pytest.raises(KeyError, match="no stream other"):
        RawReader(tmp_path / "raw").data("other")


def test_other_receivers_get_what_is_recorded(opened: Open, tmp_path: Path) -> None:
    numbers = opened()
    recorder = recorder_of(tmp_path / "raw", numbers=numbers)
    stream = InputStream()
    stream.connect(numbers)
    recorder.start()
    numbers.send(rows(0, 10))
    assert stream.recv()[0] == 10
    recorder.stop()
    assert len(RawReader(tmp_path / "raw").data("numbers")) == 10
    stream.close()
    recorder.close()
