"""Where and how a session wants its scans to be stored, from what it publishes to the file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import ChannelSpec, DatasetPublisher, DeviceSpec, ScanSpec, timer
from nexus_writer.hdf5 import SCHEMES, compression_threads
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter
from tests.hdf5.processes import run_python
from tests.session_scans import all_saved, links_in, run_scan, saved, until, until_points

Maker = Callable[..., NexusSessionWriter]
NPOINTS = 50
FILTERS = {
    "none": [],
    "gzip": [1],
    "byteshuffle": [2],
    "gzip-byteshuffle": [2, 1],
    "bitshuffle": [32008],
    "lz4-bitshuffle": [32008],
    "zstd": [32015],
    "zstd-byteshuffle": [2, 32015],
    "bitshuffle-zstd": [32008],
    "blosc2": [32026],
}


def save_spectra(writer: NexusSessionWriter, dataset: DatasetPublisher, **chunk_options: Any) -> FinishedScan:
    """50 spectra of 1000 channels (200 kB), in three batches, and a scalar."""
    dataset.writer_options["chunk_options"] = chunk_options
    channels = (ChannelSpec("spectrum", np.uint32, (1000,)), ChannelSpec("diode", np.float64))
    spec = ScanSpec("loopscan", (timer(DeviceSpec("ctl", channels)),), npoints=NPOINTS)
    with dataset.scan(spec) as scan:
        scan.prepare()
        for start, stop in ((0, 7), (7, 30), (30, NPOINTS)):
            scan["ctl:spectrum"].publish(spectra()[start:stop])
            scan["ctl:diode"].publish(np.arange(float(start), float(stop)))
            scan.flush()
    return saved(writer, scan.key)


def spectra() -> np.ndarray:
    return (np.arange(NPOINTS * 1000, dtype=np.uint32) // 13).reshape(NPOINTS, 1000)


def filters_of(dataset: Any) -> list[int]:
    creation = dataset.id.get_create_plist()
    return [creation.get_filter(index)[0] for index in range(creation.get_nfilters())]


def test_every_scheme_is_tried() -> None:
    assert tuple(FILTERS) == SCHEMES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_compression_scheme_of_the_session(writer_with: Maker, sample: DatasetPublisher, scheme: str) -> None:
    options = {
        "compression_scheme": scheme.upper(),
        "compression_limit_nbytes": 100_000,
        "chunk_nbytes": 10_000,
    }
    scan = save_spectra(writer_with(), sample, **options)
    with h5py.File(scan.filename) as file:
        spectrum, diode = file["1.1/measurement/spectrum"], file["1.1/measurement/diode"]
        assert filters_of(spectrum) == FILTERS[scheme]
        assert filters_of(diode) == []
        assert (spectrum[()] == spectra()).all()
        if scheme not in ("none", "byteshuffle", "bitshuffle"):
            assert spectrum.id.get_storage_size() < 0.6 * spectra().nbytes
    assert scan.status().progress.warnings == ()


@pytest.mark.parametrize(
    "scheme", [name for name, filters in FILTERS.items() if max(filters, default=0) > 1000]
)
def test_modern_schemes_are_read_with_hdf5plugin_alone(
    writer_with: Maker, sample: DatasetPublisher, scheme: str
) -> None:
    options = {"compression_limit_nbytes": 0, "chunk_nbytes": 10_000}
    scan = save_spectra(writer_with(compression_scheme=scheme), sample, **options)
    code = """
        import sys, h5py, hdf5plugin
        with h5py.File(sys.argv[1]) as file:
            print(file["1.1/measurement/spectrum"][()].sum(), file["1.1/measurement/diode"][()].sum())
    """
    total, points = run_python(code, scan.filename).split()
    assert (int(total), float(points)) == (spectra().sum(), sum(range(NPOINTS)))


@pytest.mark.parametrize("ends", [False, True])
def test_other_scans_go_on_while_chunks_are_compressed(
    ends: bool, writer_with: Maker, sample: DatasetPublisher, session: SessionPublisher, tmp_path: Path
) -> None:
    """And whoever reads the file of the first one finds it as it was."""
    writer, let_go = writer_with(compression_threads=1), threading.Event()
    assert compression_threads.submit(lambda: let_go.wait(120), 0)
    sample.writer_options["chunk_options"] = {
        "compression_limit_nbytes": 0,
        "chunk_nbytes": 2**16,
        "chunk_split": 1,
    }
    channel = ChannelSpec("spectrum", np.uint32, (1000,))
    scan = sample.scan(ScanSpec("loopscan", (timer(DeviceSpec("ctl", (channel,))),), npoints=1000))
    scan.prepare()
    scan["ctl:spectrum"].publish(spectra())
    scan.flush()
    if ends:
        scan.end()
    until(lambda: compression_threads.nbytes, "chunks are to be compressed")
    other = run_scan(session.dataset(tmp_path, "hg123", "other"))
    saved(writer, other.key)
    writing = writer.scan(scan.key)
    assert not writing.done()
    assert not writing.status().progress.points
    let_go.set()
    if not ends:
        until_points(writer, scan.key, NPOINTS)
        scan.end()
    saved(writer, scan.key)
    with h5py.File(scan.filename) as file:
        np.testing.assert_array_equal(file["1.1/measurement/spectrum"][()], spectra())


def test_the_session_wins_over_the_site(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(compression_scheme="zstd")
    limit = {"compression_limit_nbytes": 0}
    by_session = save_spectra(writer, sample, compression_scheme="gzip", **limit)
    by_site = save_spectra(writer, sample, **limit)
    with h5py.File(by_session.filename) as file:
        assert filters_of(file["1.1/measurement/spectrum"]) == [1]
    with h5py.File(by_site.filename) as file:
        assert filters_of(file["2.1/measurement/spectrum"]) == [32015]


def test_a_scheme_that_does_not_exist_costs_a_warning(writer_with: Maker, sample: DatasetPublisher) -> None:
    scan = save_spectra(writer_with(), sample, compression_scheme="rar", compression_limit_nbytes=0)
    assert "there is no compression scheme 'rar'" in scan.status().progress.warnings[0]
    with h5py.File(scan.filename) as file:
        assert filters_of(file["1.1/measurement/spectrum"]) == [2, 1]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("options", "chunk"),
    [
        ({}, (50, 1000)),
        ({"chunk_nbytes": 10485}, (11, 250)),
        ({"chunk_nbytes": 10485, "chunk_split": 2}, (6, 500)),
        ({"chunk_nbytes": 10485.0, "chunk_split": None}, (11, 250)),
    ],
)
def test_chunks_of_the_session(
    writer_with: Maker, sample: DatasetPublisher, options: dict[str, Any], chunk: tuple[int, ...]
) -> None:
    scan = save_spectra(writer_with(), sample, **options)
    with h5py.File(scan.filename) as file:
        spectrum = file["1.1/measurement/spectrum"]
        assert spectrum.chunks == chunk
        assert (spectrum[()] == spectra()).all()


def test_a_file_for_each_scan(writer_with: Maker, session: SessionPublisher, tmp_path: Path) -> None:
    writer = writer_with()
    first = session.dataset(tmp_path, "hg123", "sample", "0001")
    second = session.dataset(tmp_path, "hg123", "sample", "0002")
    for number, dataset in enumerate((first, first, second, second, second), start=1):
        dataset.writer_options["separate_scan_files"] = number < 5
        run_scan(dataset)
        all_saved(writer, number)
    for dataset in (first, second):
        for number in (1, 2):
            holder = dataset.policy.directory / f"scan{number:04d}" / "bliss_master.h5"
            with h5py.File(holder) as file:
                assert list(file) == [f"{number}.1"]
                assert file.attrs["default"] == f"{number}.1"
                assert len(file[f"{number}.1/measurement/diode"]) == 5
        links = links_in(dataset.policy.filename)
        assert links == {f"{n}.1": (f"scan{n:04d}/bliss_master.h5", f"/{n}.1") for n in (1, 2)}
    with h5py.File(second.policy.filename) as file:
        assert list(file) == ["1.1", "2.1", "3.1"]
        assert file.attrs["default"] == "3.1"
    raw = tmp_path / "hg123/id00/20260101/RAW_DATA"
    assert {name: target for name, (target, _) in links_in(raw / "sample/hg123_sample.h5").items()} == {
        "bliss_master_1.1": "sample_0001/scan0001/bliss_master.h5",
        "bliss_master_2.1": "sample_0001/scan0002/bliss_master.h5",
        "sample_0002_1.1": "sample_0002/scan0001/bliss_master.h5",
        "sample_0002_2.1": "sample_0002/scan0002/bliss_master.h5",
        "sample_0002_3.1": "sample_0002/sample_0002.h5",
    }
    assert len(links_in(raw / "hg123_id00.h5")) == 5


def test_the_basic_policy(writer_with: Maker, session: SessionPublisher, tmp_path: Path) -> None:
    """Files in one directory and in nested ones, each with scans of its own; no masters, no sample."""
    writer = writer_with()
    places = [session.directory(tmp_path / "a", name) for name in ("one.h5", "two.h5")]
    places.append(session.directory(tmp_path / "a" / "nested", "one.h5"))
    scans = [run_scan(place) for place in places for _ in range(2)]
    all_saved(writer, 6)
    assert sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "a").rglob("*.*")) == [
        "a/nested/one.h5",
        "a/one.h5",
        "a/two.h5",
    ]
    for scan in scans:
        number = scan.info["scan_nb"]
        with h5py.File(scan.filename) as file:
            entry = file[f"{number}.1"]
            assert "sample" not in entry
            assert entry["instrument/name"].asstr()[()] == "ESRF-id00"
            assert len(entry["measurement/diode"]) == 5
    assert links_in(tmp_path / "a" / "one.h5") == {}


def test_a_scan_that_names_its_own_file(writer_with: Maker, sample: DatasetPublisher, tmp_path: Path) -> None:
    writer = writer_with(path_map=(f"/beamline={tmp_path}",))
    spec = ScanSpec("ct", (timer(),), npoints=1)
    with sample.scan(spec, filename="/beamline/deep/own.h5") as scan:
        scan.prepare()
    assert saved(writer, scan.key).uris == [f"{tmp_path}/deep/own.h5::/1.1"]


def test_only_scans_for_this_writer(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(writer_name="other")
    assert saved(writer, run_scan(sample).key).uris == []
    assert saved(writer, run_scan(sample, data_writer="other").key).uris == [
        f"{sample.policy.filename}::/2.1"
    ]
