"""Which failures are waited for, tried again, or final."""

from __future__ import annotations

import errno
import os

import pytest

from nexus_writer.hdf5 import FileBroken, FileNotWritable
from nexus_writer.subscribers.failed_writes import FailedWrites


def broken(number: int) -> FileBroken:
    return FileBroken("scan.h5", os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_always_passes(number: int) -> None:
    failed = FailedWrites()
    assert not any(failed.is_final(broken(number), None, float(now_s)) for now_s in range(1000))
    assert not failed.is_final(FileNotWritable("scan.h5", os.strerror(number)), None, 1000.0)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EFBIG, errno.EACCES])
def test_what_stays_is_final_at_once(number: int) -> None:
    assert FailedWrites().is_final(broken(number), None, 0.0)
    assert errno.errorcode[number] in str(broken(number))


def test_others_are_final_when_nothing_succeeds_for_seconds() -> None:
    failed = FailedWrites()
    times_s = (100.0, 101.0, 102.0, 104.9, 105.0)
    finals = [failed.is_final(broken(errno.EIO), 1.0, now_s) for now_s in times_s]
    assert finals == [False, False, False, False, True]


def test_one_that_takes_long_is_tried_again() -> None:
    failed = FailedWrites()
    finals = [failed.is_final(broken(errno.EIO), 1.0, now_s) for now_s in (0.0, 100.0, 200.0)]
    assert finals == [False, False, True]


def test_a_flush_between_them_begins_the_row_anew() -> None:
    failed = FailedWrites()
    assert not any(failed.is_final(broken(errno.EIO), float(time), 10.0 * time) for time in range(10))


def test_a_file_that_cannot_be_opened_for_another_reason_is_final() -> None:
    assert FailedWrites().is_final(FileNotWritable("scan.h5", "it is a directory"), None, 0.0)


def test_a_failure_without_a_number_is_tried_again() -> None:
    assert not FailedWrites().is_final(FileBroken("scan.h5", "unable to flush"), None, 0.0)
