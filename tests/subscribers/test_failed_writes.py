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
    assert not any(failed.is_final(broken(number), None) for _ in range(100))
    assert not failed.is_final(FileNotWritable("scan.h5", os.strerror(number)), None)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EFBIG, errno.EACCES])
def test_what_stays_is_final_at_once(number: int) -> None:
    assert FailedWrites().is_final(broken(number), None)
    assert errno.errorcode[number] in str(broken(number))


def test_others_are_final_when_nothing_succeeds_between_them() -> None:
    failed = FailedWrites()
    assert [failed.is_final(broken(errno.EIO), 1.0) for _ in range(3)] == [False, False, True]


def test_a_flush_between_them_begins_the_row_anew() -> None:
    failed = FailedWrites()
    assert not any(failed.is_final(broken(errno.EIO), float(time)) for time in range(10))


def test_a_file_that_cannot_be_opened_for_another_reason_is_final() -> None:
    assert FailedWrites().is_final(FileNotWritable("scan.h5", "it is a directory"), None)


def test_a_failure_without_a_number_is_tried_again() -> None:
    assert not FailedWrites().is_final(FileBroken("scan.h5", "unable to flush"), None)
