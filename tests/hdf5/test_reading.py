"""A reader for users: it never fails for what a flush under way leaves half done."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import nexus_writer
from nexus_writer.hdf5 import Unreadable, open_live
from tests.hdf5.processes import run_python, running_python
from tests.waiting import allowed_s

BUSY_WRITER = """
    import sys, time
    import numpy as np
    from nexus_writer.hdf5 import GrowingDataset, OpenFiles, create_group
    from nexus_writer.model import Block
    path, duration_s = sys.argv[1], float(sys.argv[2])
    files = OpenFiles()
    live = files.acquire(path, {})
    live.flush()
    print("ready", flush=True)
    end, entry = time.monotonic() + duration_s, 0
    while time.monotonic() < end:
        entry += 1
        group = create_group(live.root, f"{entry}.1", "NXentry")
        datasets = [GrowingDataset(group, f"c{n}", np.float64, (), scan_shape=(8,)) for n in range(30)]
        live.flush()
        for start in range(0, 400, 8):
            for dataset in datasets:
                dataset.append([Block("", start, np.arange(start, start + 8.0))])
            live.flush()
    files.release(live)
    print(entry, flush=True)
"""
"""As fast as it can: entries of 30 datasets with small chunks, a flush after each chunk."""

PLAIN_READER = """
    import json, sys, time, h5py
    from nexus_writer.hdf5.reading import names_in
    end, walks, errors = time.monotonic() + float(sys.argv[2]), 0, []
    while time.monotonic() < end:
        walks += 1
        try:
            with h5py.File(sys.argv[1]) as file:
                last = sorted(names_in(file), key=float)[-2:]
                for entry in last:
                    for name in names_in(file[entry]):
                        file[entry][name][()]
        except Exception as error:
            errors.append(type(error).__name__)
    print(json.dumps([walks, errors]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["1.1/title"] = "scan"
        file["1.1/data"] = np.arange(5.0)
        file["1.1/data"].attrs["units"] = "mm"
    return path


def append(path: Path, number: int) -> None:
    """In one step, as another process might: HDF5 of this process does not know of it."""
    copy = path.with_suffix(".new")
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as other:
        other[str(number)] = 1
    copy.replace(path)


def test_public_name() -> None:
    assert nexus_writer.open_live is open_live
    loaded = run_python("import sys, nexus_writer; print('h5py' in sys.modules)")
    assert loaded == "False"


def test_reads_as_h5py_does(path: Path) -> None:
    with open_live(path) as file:
        assert list(file) == ["1.1"]
        assert len(file["1.1"]) == 2
        assert "1.1/data" in file
        assert "1.2" not in file
        assert file.get("1.2") is None
        assert file["1.1"]["title"].asstr()[()] == "scan"
        data = file["/1.1/data"]
        assert data[1:3].tolist() == [1, 2]
        assert (data.shape, data.ndim, len(data), data.dtype) == ((5,), 1, 5, np.float64)
        assert data.attrs["units"] == "mm"
        assert np.sum(data) == 10
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name))
        assert names == ["1.1", "1.1/data", "1.1/title"]
        assert file.read(lambda plain: plain.mode) == "r"


def test_sees_what_was_written_since(path: Path) -> None:
    with open_live(path) as file:
        assert len(file["1.1/data"]) == 5
        for number in range(20):
            append(path, number)
            assert str(number) in file


def test_a_name_that_lacks_is_told_at_once(path: Path) -> None:
    with open_live(path) as file:
        started = time.monotonic()
        with pytest.raises(KeyError):
            file["2.1"]
        with pytest.raises(KeyError):
            file["1.1/none"]
        assert time.monotonic() - started < allowed_s(0.1)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_live(tmp_path / "none.h5")
    wrong = tmp_path / "text.h5"
    wrong.write_text("no HDF5")
    started = time.monotonic()
    with pytest.raises(Unreadable, match="doctor"):
        open_live(wrong)
    assert time.monotonic() - started < 9, "less than its patience"


def test_damaged_page_is_read_again_until_it_is_whole(path: Path) -> None:
    sound = path.with_suffix(".sound")
    shutil.copy(path, sound)
    damaged = bytearray(path.read_bytes())
    damaged[8:200] = bytes(192)
    path.write_bytes(damaged)
    code = """
        import shutil, sys, time
        print("ready", flush=True)
        time.sleep(0.3)
        shutil.copy(sys.argv[1], sys.argv[2])
        sys.stdin.read()
    """
    with running_python(code, sound, path), open_live(path) as file:
        assert file["1.1/data"][()].tolist() == [0, 1, 2, 3, 4]


def test_many_names_come_sorted(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        file.attrs.update({f"a{n:02}": n for n in range(30)})
        for number in range(30):
            file[f"{number:02}"] = number
    with open_live(path) as reader:
        assert list(reader) == [f"{number:02}" for number in range(30)]
        assert list(reader.attrs) == [f"a{number:02}" for number in range(30)]


def test_another_program_holds_it_with_a_lock(path: Path) -> None:
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('ready', flush=True); sys.stdin.read()"
    with running_python(code, path), open_live(path) as file:
        assert file["1.1/data"][0] == 0


def test_never_fails_while_a_writer_runs_at_full_speed(tmp_path: Path, full: bool) -> None:
    duration_s = 60 if full else 8
    path = tmp_path / "busy.h5"
    with running_python(BUSY_WRITER, path, duration_s) as writer:
        plain = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PLAIN_READER), str(path), str(duration_s - 2)],
            stdout=subprocess.PIPE,
            text=True,
        )
        walks = wrong = 0
        end = time.monotonic() + duration_s - 2
        with open_live(path) as file:
            while time.monotonic() < end:
                walks += 1
                for entry in sorted(file, key=float)[-2:]:
                    for dataset in file[entry].values():
                        values = dataset[()]
                        wrong += not np.array_equal(values, np.arange(len(values)))
        output, _ = plain.communicate(timeout=60)
        assert writer.stdout is not None
        entries = int(writer.stdout.readline())
    plain_walks, errors = json.loads(output)
    print(f"open_live: {walks} walks, {wrong} wrong; plain h5py: {len(errors)} of {plain_walks} walks failed")
    assert errors
    assert walks > 0
    assert wrong == 0
    with open_live(path) as file:
        assert len(file) == entries
