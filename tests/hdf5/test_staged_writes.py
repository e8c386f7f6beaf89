"""What of HDF5's writes is in the file, and when."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import LiveFile, create_group, external_link, staged_writes
from nexus_writer.hdf5.errors import FileFailed
from nexus_writer.hdf5.staged_writes import PAGE, StagedWrites

BEFORE = bytes(range(256)) * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(BEFORE)
    return path


@pytest.fixture
def staged(path: Path) -> Iterator[StagedWrites]:
    descriptor = os.open(path, os.O_RDWR)
    yield StagedWrites(descriptor)
    os.close(descriptor)


def write(staged: StagedWrites, address: int, data: bytes) -> None:
    staged.seek(address)
    assert staged.write(data) == len(data)


def read(staged: StagedWrites, address: int, nbytes: int) -> bytes:
    buffer = bytearray(nbytes)
    staged.seek(address)
    return bytes(buffer[: staged.readinto(buffer)])


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["write", "write_at", "long", "commit", "truncate", "free"]),
            st.integers(0, 6 * PAGE),
        ),
        max_size=15,
    )
)
def test_it_reads_as_a_file_and_changes_the_file_by_commits_alone(
    path: Path, steps: list[tuple[str, int]]
) -> None:
    """Up to the end that it had; what lies behind is nobody's before the next commit, nor is what is free."""
    path.write_bytes(BEFORE)
    model = bytearray(BEFORE)
    committed = bytes(BEFORE)
    free: set[int] = set()
    written: set[int] = set()
    descriptor = os.open(path, os.O_RDWR)
    staged = StagedWrites(descriptor)
    try:
        for number, (what, place) in enumerate(steps):
            data = bytes([number + 1]) * (staged_writes._LONG_NBYTES if what == "long" else place % 5000)
            if what == "commit":
                staged.commit()
                committed = bytes(model)
                assert path.read_bytes() == committed
                free -= written
            elif what == "free":
                staged.free(place, 2 * PAGE)
                free.update(range(place // PAGE, place // PAGE + 3))
                written.clear()
            elif what == "truncate":
                size = max(0, len(model) - place)
                staged.truncate(size)
                del model[size:]
            elif what == "write_at":
                place = min(place, max(0, len(model) - len(data)))
                data = data[: len(model) - place]
                staged.write_at(memoryview(data), place)
                model[place : place + len(data)] = data
                if place < len(committed):  # it may be in the file at once
                    committed = committed[:0]
            elif data:
                place = min(place, len(model))
                write(staged, place, data)
                model[place : place + len(data)] = data
                written.update(range(place // PAGE, (place + len(data)) // PAGE + 1))
            assert read(staged, 0, len(model) + 10) == model
            assert without(free, path.read_bytes()[: len(committed)]) == without(free, committed)
        staged.commit()
        assert path.read_bytes() == model
    finally:
        os.close(descriptor)


def without(pages: set[int], content: bytes) -> bytes:
    left = bytearray(content)
    for number in pages:
        low, high = number * PAGE, min((number + 1) * PAGE, len(left))
        left[low:high] = bytes(max(0, high - low))
    return bytes(left)


def test_whole_pages_that_are_free_are_written_at_once_and_once(staged: StagedWrites, path: Path) -> None:
    """Their neighbours wait, in part free or not, and what comes to them again."""
    staged.free(PAGE - 1, 2 * PAGE + 2)
    write(staged, 10, b"x" * (3 * PAGE))
    found = path.read_bytes()
    assert found == BEFORE[:PAGE] + b"x" * (2 * PAGE) + BEFORE[3 * PAGE :]
    assert read(staged, 0, len(BEFORE)) == BEFORE[:10] + b"x" * (3 * PAGE) + BEFORE[3 * PAGE + 10 :]
    write(staged, PAGE, b"again")
    assert path.read_bytes() == found
    staged.commit()
    assert path.read_bytes()[PAGE - 1 : PAGE + 6] == b"xagainx"


def test_what_is_written_to_waits_when_it_is_called_free(staged: StagedWrites, path: Path) -> None:
    write(staged, PAGE, b"first")
    staged.free(0, 3 * PAGE)
    write(staged, 0, b"x" * PAGE)
    assert path.read_bytes() == BEFORE


def test_what_is_free_behind_the_end_is_the_end_that_moves(staged: StagedWrites, path: Path) -> None:
    staged.free(2 * PAGE, 2 * PAGE)
    staged.truncate(2 * PAGE)
    staged.commit()
    write(staged, 2 * PAGE, b"y" * 2 * PAGE)
    staged.commit()
    write(staged, 2 * PAGE, b"z" * 2 * PAGE)
    assert path.read_bytes()[2 * PAGE :] == b"y" * 2 * PAGE


def test_what_is_left_out_is_told_by_its_content(staged: StagedWrites, path: Path) -> None:
    """Its length is not enough: metadata may be as long."""
    end = staged.seek(0, os.SEEK_END)
    one, other = b"x" * 70_000, b"y" * 70_000
    with staged.noted(left_out=one) as noted:
        for piece in one, other, one:
            staged.write(piece)
    assert noted == [(end + index * len(one), len(one)) for index in range(3)]
    staged.write(b"end")
    staged.commit()
    assert path.read_bytes()[end:] == bytes(len(one)) + other + bytes(len(one)) + b"end"


def test_what_is_discarded_never_comes(staged: StagedWrites, path: Path) -> None:
    write(staged, 10, b"one")
    staged.discard()
    write(staged, 20, b"two")
    staged.write_at(memoryview(b"three"), 30)
    staged.commit()
    assert path.read_bytes() == BEFORE


def test_memory_does_not_grow_with_what_comes_behind_the_end(staged: StagedWrites, path: Path) -> None:
    most = 0
    for number in range(5000):
        write(staged, len(BEFORE) + number * PAGE, b"x" * PAGE)
        most = max(most, len(staged._pages) * PAGE + len(staged._tail))
    assert most <= staged_writes._TAIL_NBYTES
    assert path.read_bytes()[: len(BEFORE)] == BEFORE
    staged.commit()
    assert path.read_bytes() == BEFORE + b"x" * 5000 * PAGE


def test_what_the_system_refuses_is_told(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        staged = StagedWrites(descriptor)
        write(staged, 5, b"five")
        with pytest.raises(FileFailed) as caught:
            staged.commit()
        assert caught.value.errno == errno.EBADF
        write(staged, 3 * PAGE, b"and in another page")
        with pytest.raises(FileFailed) as caught:
            staged.commit()
        assert caught.value.errno == errno.EBADF
    finally:
        os.close(descriptor)


def test_a_link_to_another_file_does_not_lead_into_this_one(live: LiveFile) -> None:
    """HDF5 opens the other file through the same driver."""
    create_group(live.root, "1.1", "NXentry")
    with h5py.File(live.path.with_name("other.h5"), "w") as other:
        other.create_group("2.1")
    external_link(live.root, "link", live.path.with_name("other.h5"), "/1.1")
    live.flush()
    assert live.root.get("link") is None
    assert list(live.root) == ["1.1", "link"]


def test_it_knows_what_the_file_has_and_keeps(staged: StagedWrites, path: Path) -> None:
    assert staged.keeps(2 * PAGE, PAGE)
    write(staged, 2 * PAGE, b"waits")
    assert not staged.keeps(2 * PAGE, PAGE)
    assert staged.keeps(PAGE, PAGE)
    write(staged, len(BEFORE), b"tail" * PAGE)
    assert not staged.keeps(PAGE, len(BEFORE))
    staged.commit()
    assert staged.keeps(2 * PAGE, PAGE)
    assert staged.keeps(4 * PAGE, len(BEFORE))
    assert not staged.keeps(4 * PAGE + 1, len(BEFORE))
    assert path.read_bytes()[2 * PAGE :].startswith(b"waits")
