"""What others find in a file while it is written, after a kill, and when the disk is full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import (
    ChunkOptions,
    FileBroken,
    GrowingDataset,
    LiveFile,
    OpenFiles,
    create_group,
    write_value,
)
from nexus_writer.hdf5.closing import close_file
from tests.descriptors import descriptors

from .conftest import block
from .processes import run_python, running_python

WALK = """
    import h5py, sys
    with h5py.File(sys.argv[1]) as file:
        rows = []
        def look(name, item):
            if isinstance(item, h5py.Dataset):
                values = item[()]
                assert (values.reshape(len(values), -1)[:, 0] == range(len(values))).all(), name
                rows.append(len(values))
        file.visititems(look)
        print(*sorted(set(rows)))
"""

ALL_COMPRESSED = ChunkOptions(chunk_nbytes=4096, compression_limit_nbytes=1)


def test_a_reader_sees_each_flush(live: LiveFile) -> None:
    entry = create_group(live.root, "1.1", "NXentry")
    scalar = GrowingDataset(entry, "scalar", "f8", ())
    compressed = GrowingDataset(entry, "compressed", "f8", (8,), scan_shape=(100,), chunking=ALL_COMPRESSED)
    for n in range(5):
        points = np.arange(n * 30, n * 30 + 30.0)
        scalar.append([block(n * 30, points)])
        compressed.append([block(n * 30, np.repeat(points, 8).reshape(30, 8))])
        live.flush()
        assert run_python(WALK, live.path) == str(n * 30 + 30)


VICTIM = """
    import itertools, sys
    import numpy as np
    from nexus_writer.hdf5 import ChunkOptions, GrowingDataset, OpenFiles, create_group, write_tree
    from nexus_writer.model import Block
    file = OpenFiles().acquire(sys.argv[1], {})
    print("ready", flush=True)
    small = ChunkOptions(chunk_nbytes=2048, compression_limit_nbytes=1)
    for scan in itertools.count(1):
        entry = create_group(file.root, f"{scan}.1", "NXentry")
        write_tree(entry, {"title": "ascan", "sample": {"name": "x", "name@type": "y"}})
        datasets = [GrowingDataset(entry, f"d{i}", "f8", ()) for i in range(10)]
        datasets += [GrowingDataset(entry, f"c{i}", "f8", (4,), chunking=small) for i in range(10)]
        points = 0
        for size in (1, 7, 100, 3, 400):
            for i, dataset in enumerate(datasets):
                values = np.arange(points, points + size) + 1e6 * i + 1e9 * scan
                rows = np.repeat(values, 4).reshape(-1, 4)
                dataset.append([Block("", points, values if len(dataset.shape) == 1 else rows)])
            points += size
            file.flush()
            print(scan, points, flush=True)
"""

CHECK = """
    import h5py, sys
    import numpy as np
    scans, rows = int(sys.argv[2]), int(sys.argv[3])
    with h5py.File(sys.argv[1], "r+") as file:
        for scan in range(1, scans + 1):
            entry = file[f"{scan}.1"]
            assert entry["title"].asstr()[()] == "ascan"
            for i in range(20):
                values = entry[f"d{i}" if i < 10 else f"c{i - 10}"][()]
                assert len(values) >= (511 if scan < scans else rows), (i, len(values))
                expected = np.arange(len(values)) + 1e6 * i + 1e9 * scan
                assert (values.T == expected).all(), i
        file["proof"] = 1
    print("whole")
"""


@pytest.mark.parametrize("lines", [1, 5, 17, 60])
def test_what_was_flushed_before_a_kill_is_there(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "scan.h5"
    acknowledged = "0 0"
    with running_python(VICTIM, path) as victim:
        assert victim.stdout is not None
        for _ in range(lines):
            acknowledged = victim.stdout.readline()
        victim.kill()
        victim.wait()
        for line in victim.stdout:  # what it said between our last look and its death
            acknowledged = line if line.endswith("\n") else acknowledged
    assert run_python(CHECK, path, *acknowledged.split()) == "whole"


@pytest.mark.full
@pytest.mark.timeout(600)
def test_what_was_flushed_before_a_kill_is_there_many_times(tmp_path: Path) -> None:
    for trial in range(100):
        test_what_was_flushed_before_a_kill_is_there(tmp_path / str(trial), 1 + trial)


def test_a_broken_file_is_never_written_again(live: LiveFile) -> None:
    write_value(live.root, "x", np.arange(1000))
    dataset = GrowingDataset(live.root, "points", "f8", ())
    dataset.append([block(0, np.arange(100.0))])
    live.flush()
    before = live.path.read_bytes()
    live.poison("No space left on device")
    with pytest.raises(FileBroken, match="No space left on device"):
        live.flush()
    with pytest.raises(FileBroken):
        live.sync()
    with pytest.raises(FileBroken):
        dataset.append([block(100, np.arange(100.0))])
    write_value(live.root, "y", np.arange(100_000))
    live.close()
    assert live.path.read_bytes() == before


def test_sync_reaches_the_disk(live: LiveFile) -> None:
    write_value(live.root, "x", 1)
    live.flush()
    live.sync()


def test_no_descriptor_is_left(files: OpenFiles, tmp_path: Path) -> None:
    before = descriptors()
    for i in range(20):
        file = files.acquire(tmp_path / f"{i}.h5", {})
        if i % 2:
            file.poison("test")
        files.release(file)
        with pytest.raises(FileExistsError):
            (tmp_path / f"{i}.h5").open("x")
    assert descriptors() <= before


def test_a_process_that_is_started_inherits_no_descriptor(live: LiveFile) -> None:
    live.flush()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        try:
            targets = [link.readlink() for link in Path(f"/proc/{child.pid}/fd").iterdir()]
        finally:
            child.kill()
    assert live.path not in targets


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", path], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("chunking", [ChunkOptions(), ALL_COMPRESSED], ids=["plain", "compressed"])
def test_a_full_disk_breaks_the_file_and_leaves_what_was_flushed(
    small_disk: Path, chunking: ChunkOptions
) -> None:
    (small_disk / "filler").write_bytes(b"x" * 2_000_000)
    files = OpenFiles()
    live = files.acquire(small_disk / "scan.h5", {})
    entry = create_group(live.root, "1.1", "NXentry")
    datasets = [GrowingDataset(entry, f"d{i}", "f8", (), chunking=chunking) for i in range(20)]
    random = np.random.default_rng(1).random(100_000)
    acknowledged = 0
    with pytest.raises(FileBroken, match="No space left on device"):
        while acknowledged < 100_000:
            points = slice(acknowledged, acknowledged + 100)
            for dataset in datasets:
                dataset.append([block(points.start, random[points])])
            live.flush()
            acknowledged = points.stop
    assert acknowledged > 0
    at_failure = (small_disk / "scan.h5").read_bytes()
    (small_disk / "filler").unlink()  # space again: HDF5 would now report success
    with pytest.raises(FileBroken):
        live.flush()
    with pytest.raises(FileBroken):
        datasets[0].append([block(acknowledged, random[:1])])
    files.release(live)
    assert (small_disk / "scan.h5").read_bytes() == at_failure
    with h5py.File(small_disk / "scan.h5", "r+", locking=False) as file:
        for i in range(20):
            assert (file[f"1.1/d{i}"][:acknowledged] == random[:acknowledged]).all()


def test_a_process_whose_disk_was_full_ends_well(small_disk: Path) -> None:
    code = """
        import sys
        import numpy as np
        from nexus_writer.hdf5 import FileBroken, GrowingDataset, OpenFiles
        from nexus_writer.model import Block
        live = OpenFiles().acquire(sys.argv[1], {})
        dataset = GrowingDataset(live.root, "x", "f8", ())
        try:
            for n in range(10000):
                dataset.append([Block("", n * 1000, np.random.random(1000))])
        except FileBroken as error:
            print(error)
    """
    assert "No space left on device" in run_python(code, small_disk / "scan.h5")


def test_a_forked_process_that_ends_writes_nothing(tmp_path: Path) -> None:
    code = """
        import os, sys
        import h5py
        from nexus_writer.hdf5 import OpenFiles, write_value
        file = OpenFiles().acquire(sys.argv[1], {})
        write_value(file.root, "x", 1)
        file.flush()
        write_value(file.root, "y", 2)
        child = os.fork()
        if not child:
            sys.exit()
        assert os.waitpid(child, 0)[1] == 0
        print(*h5py.File(sys.argv[1], locking=False))
    """
    assert run_python(code, tmp_path / "scan.h5") == "x"


def test_closing_changes_nothing_of_a_flushed_file(files: OpenFiles, tmp_path: Path) -> None:
    """So its locks are given back before HDF5 has let go of what it holds, and nothing that HDF5 writes then
    reaches the file, which others may have by then."""
    path = tmp_path / "scan.h5"
    for number in range(3):
        live = files.acquire(path, {})
        group = create_group(live.root, f"{number}.1", "NXentry")
        data = GrowingDataset(group, "data", np.float64, ())
        data.append([block(0, np.arange(100.0))])
        live.flush()
        before = path.read_bytes()
        files.release(live)
        assert path.read_bytes() == before
    with h5py.File(path) as file:
        assert [file[f"{number}.1/data"][-1] for number in range(3)] == [99, 99, 99]


def test_others_have_a_file_while_hdf5_lets_go_of_it(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = files.acquire(tmp_path / "scan.h5", {})
    write_value(live.root, "ours", 1)

    def write_another(number: Any) -> None:
        run_python("import h5py, sys; h5py.File(sys.argv[1], 'a', locking=True)['other'] = 2", live.path)
        close_file(number)

    monkeypatch.setattr("nexus_writer.hdf5.live_file.close_file", write_another)
    files.release(live)
    with h5py.File(live.path) as file:
        assert (file["ours"][()], file["other"][()]) == (1, 2)
