"""Space that is taken before it is written to."""

from __future__ import annotations

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nexus_writer.hdf5.reservation import Reservation
from tests.faults.disks import fuse_disk, small_disk


def test_space_is_taken_up_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as file:
        reservation = Reservation(0, 0)
        reservation.extend(file.fileno(), 100_000)
        assert path.stat().st_size == 0
        taken = path.stat().st_blocks
        assert taken * 512 >= 100_000
        reservation.extend(file.fileno(), 50_000)
        assert path.stat().st_blocks == taken


def test_nothing_is_taken_for_a_file_that_did_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as file:
        Reservation(0, 2048).extend(file.fileno(), 2048)
    assert path.stat().st_blocks == 0


def test_a_full_disk_is_met_before_the_write(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1) as disk, (disk.outside / "file").open("w+b") as file:
        with pytest.raises(OSError, match="No space left") as caught:
            Reservation(0, 0).extend(file.fileno(), 2_000_000)
        assert caught.value.errno == errno.ENOSPC


def test_a_disk_that_refuses_to_open_a_file_does_not_damage_it(tmp_path: Path) -> None:
    """Its end has to be corrected, which takes a write."""
    code = """
        import os, sys
        from pathlib import Path
        from nexus_writer.hdf5 import FileDamaged, FileNotWritable, OpenFiles
        path, fault = Path(sys.argv[1]), Path(sys.argv[2])
        files = OpenFiles()
        files.release(files.acquire(path, {}))
        with path.open("ab") as file:
            file.write(bytes(4096))
        fault.write_text("EIO")
        try:
            files.acquire(path, {})
        except FileNotWritable as error:
            print(type(error).__name__, error.number)
        fault.write_text("")
        files.release(files.acquire(path, {}))
        print("open")
    """
    with fuse_disk(tmp_path) as disk:
        command = [*disk.entering, sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(
            [*command, str(disk.inside / "x.h5"), str(disk.fault)], capture_output=True, text=True, timeout=30
        )
    assert done.stdout == f"FileNotWritable {errno.EIO}\nopen\n", done.stderr
