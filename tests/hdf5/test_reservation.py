"""Space that is taken before it is written to."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from nexus_writer.hdf5.reservation import Reservation
from tests.faults.disks import small_disk


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
