"""The benchmark of creating a scan makes what it says; its times are not for a test."""

from __future__ import annotations

from pathlib import Path

import h5py

from benchmarks import create_scan


def test_both_ways_make_the_same_detectors(tmp_path: Path) -> None:
    create_scan.by_the_layout(tmp_path, 3, create_scan.TEXTS)
    create_scan.by_h5py(tmp_path, 3, create_scan.TEXTS)
    with h5py.File(tmp_path / "ours.h5") as ours, h5py.File(tmp_path / "h5py.h5") as plain:
        for number in range(3):
            mine, theirs = (file[f"1.1/instrument/diode{number}"] for file in (ours, plain))
            assert dict(mine.attrs) == dict(theirs.attrs)
            assert set(mine) == set(theirs)
            assert {name: mine[name].asstr()[()] for name in create_scan.TEXTS} == create_scan.TEXTS
            assert dict(mine["signal"].attrs) == dict(theirs["data"].attrs)
            assert mine["signal"].chunks == theirs["signal"].chunks
        assert set(ours["1.1/measurement"]) == set(plain["1.1/measurement"])


def test_times_are_of_one_detector(tmp_path: Path) -> None:
    result = create_scan.measure(20, 1, tmp_path)
    for name in ("detector", "with_texts"):
        assert 1 < result[name]["cpu_us"] < 100_000
        assert result[name]["cpu_us"] < result[name]["h5py_cpu_us"] * 10
