"""The demo, as a new user runs it: files, a picture, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from nexus_writer.cli.demo.directory import own_directory
from nexus_writer.cli.errors import CommandError
from tests.serve_process import wait_until

DEMO = [sys.executable, "-m", "nexus_writer", "demo"]
PNG = b"\x89PNG\r\n\x1a\n"


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that work in, or with files of, this directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(directory) in command or (process / "cwd").readlink() == directory:
                    found.append(command)
            except OSError:
                continue
    return found


def test_demo_saves_every_scan_and_leaves_nothing_running(tmp_path: Path) -> None:
    result = subprocess.run(DEMO, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    assert "Open it with" in result.stdout
    assert (tmp_path / "demo_data" / "measurement.png").read_bytes().startswith(PNG)
    (path,) = (tmp_path / "demo_data" / "data").rglob("iron_0001.h5")
    with h5py.File(path) as file:
        assert sorted(file) == ["1.1", "2.1", "3.1", "4.1", "5.1", "6.1"]
        for entry in file.values():
            assert entry["writer/status"].asstr()[()] == "SUCCEEDED"
            assert "warnings" not in entry["writer"], entry["writer/warnings"].asstr()[()]
        assert len(file["3.1/measurement/samx"]) == 21 * 16
        assert file["4.1/measurement/xrf_det0"].shape == (24, 1024)
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("until", ["Tango device", "1_loopscan"])
def test_ctrl_c_leaves_nothing_running(tmp_path: Path, until: str) -> None:
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen(DEMO, cwd=tmp_path, stdout=file, stderr=file)
    device_log = tmp_path / "demo_data" / "writer.log"
    wait_until(
        lambda: device_log.exists() and until in output.read_text() + device_log.read_text(), until, 60
    )
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 130, output.read_text()
    assert "Traceback" not in output.read_text()
    assert processes_of(tmp_path) == []


def test_what_the_demo_did_not_make_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "data" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("a night's work")
    command = [*DEMO, "--directory", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "was not made by the demo" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert precious.read_text() == "a night's work"


@pytest.mark.parametrize("directory", ["/proc/x", "/dev/null"])
def test_directory_that_cannot_be_used_is_one_line(directory: str) -> None:
    command = [*DEMO, "--directory", directory]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "--directory" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_two_demos_in_one_directory_do_not_meet(tmp_path: Path) -> None:
    with own_directory(tmp_path) as data:
        (data / "file").touch()
        with pytest.raises(CommandError, match="another demo runs"), own_directory(tmp_path):
            pass
        assert (data / "file").exists()
    with own_directory(tmp_path) as data:
        assert not list(data.iterdir())
