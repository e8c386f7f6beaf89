"""``nexus-writer doctor``: every kind of ill file, none of which it may touch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from nexus_writer.hdf5.file_start import read_superblock
from tests.cli.test_app import run
from tests.hdf5.processes import running_python
from tests.serve_process import serving, wait_until


def write(path: Path, status: str = "SUCCEEDED") -> Path:
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        for name in ("1.1", "2.1"):
            note = file.create_group(f"{name}/writer")
            note["status"], note["scan"], note["host"] = status, "session:1_scan", "host1"
            note["points/channel"] = ["diode"]
            note["points/committed"] = [7]
            file[f"{name}/data"] = np.arange(10000.0)
    return path


def examine(path: Path) -> tuple[int, str]:
    """Exit code and output; the file is as it was before."""
    before = (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
    result = run("doctor", str(path))
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == (1 if result.returncode else 0)
    if before is not None:
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    return result.returncode, result.stdout


def test_sound_file(tmp_path: Path) -> None:
    code, text = examine(write(tmp_path / "file.h5"))
    assert code == 0
    assert "/2.1: SUCCEEDED, 7 points committed of 1 channel, " in text
    assert "no process of this host has it open for writing" in text


def test_the_uri_of_an_entry_leads_to_its_file(tmp_path: Path) -> None:
    result = run("doctor", f"{write(tmp_path / 'file.h5')}::/2.1")
    assert (result.returncode, result.stderr) == (0, "")
    assert "/1.1: SUCCEEDED" in result.stdout


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 50000)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite_start(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:100] = b"x" * 100
    path.write_bytes(content)


def overwrite_root(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[48:400] = bytes(352)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (cut, "truncated: the last 50000 of"),
        (empty, "it is empty"),
        (overwrite_start, "no HDF5 file: it has no signature"),
        (overwrite_root, "HDF5 does not open it"),
        (Path.unlink, "No such file"),
    ],
)
def test_ill_file(tmp_path: Path, harm: Callable[[Path], None], says: str) -> None:
    path = write(tmp_path / "file.h5")
    harm(path)
    code, text = examine(path)
    assert code == 1
    assert says in text
    assert "  -> " in text


def test_how_many_findings_there_are(tmp_path: Path) -> None:
    two = write(tmp_path / "two.h5", "RUNNING")
    one = write(tmp_path / "one.h5")
    with h5py.File(one, "r+") as file:
        del file["1.1/writer/status"]
        file["1.1/writer/status"] = "RUNNING"
    assert run("doctor", str(two)).stderr == f"nexus-writer: {two}: 2 findings want something to be done\n"
    assert run("doctor", str(one)).stderr == f"nexus-writer: {one}: 1 finding wants something to be done\n"


def test_directory(tmp_path: Path) -> None:
    assert examine(tmp_path) == (1, f"{tmp_path} is no file\n  -> give the file itself\n")


def test_damaged_item_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5")
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["2.1"].id).addr
    content = bytearray(path.read_bytes())
    content[address : address + 16] = bytes(16)
    path.write_bytes(content)
    code, text = examine(path)
    assert code == 1
    assert "/1.1: SUCCEEDED" in text
    assert "/2.1 is damaged: /2.1:" in text


def test_unfinished_entry_without_a_writer(tmp_path: Path) -> None:
    code, text = examine(write(tmp_path / "file.h5", "RUNNING"))
    assert code == 1
    assert "its writer on host1 is not at work on this host" in text
    assert "nexus-writer rebuild session:1_scan" in text


def test_file_that_another_program_holds_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5")
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('ready', flush=True); sys.stdin.read()"
    with running_python(code, path) as process:
        exit_code, text = examine(path)
    assert exit_code == 0
    assert f"open for writing in python (pid {process.pid})" in text or f"(pid {process.pid})" in text


def test_mark_of_a_swmr_writer_that_died(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    code = """
        import h5py, os, sys
        f = h5py.File(sys.argv[1], "w", libver="latest")
        f["a"] = 1
        f.swmr_mode = True
        f.flush()
        print("ready", flush=True)
        sys.stdin.read()
    """
    with running_python(code, path):
        pass
    superblock = read_superblock(path)
    assert superblock is not None
    assert superblock.marked
    exit_code, text = examine(path)
    assert exit_code == 1
    assert "h5clear -s file.h5" in text


def test_file_that_is_being_written(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    dataset = SessionPublisher(redis_client, "ill").dataset(tmp_path / "data", "hg123", "sample")
    counters = DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))
    path = dataset.policy.filename
    with (
        serving("ill", redis_url, tmp_path / "writer") as writer,
        dataset.scan(ScanSpec("loopscan", (timer(counters),), npoints=9)) as scan,
    ):
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(4.0))
        scan.flush()

        def committed() -> bool:
            return path.exists() and "0 to 4 points committed" in run("doctor", str(path)).stdout

        wait_until(committed, "committed")
        result = run("doctor", str(path))
        assert result.returncode == 0, result.stdout
        assert "it is being written" in result.stdout
        assert f"(pid {writer.process.pid})" in result.stdout
        writer.kill()
        killed = run("doctor", str(path))
        assert killed.returncode == 1
        assert "start the writer again" in killed.stdout
