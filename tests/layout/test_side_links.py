"""Scans that are saved beside their file, and linked there as soon as it is free."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import FileLocked, OpenFiles
from nexus_writer.layout import LayoutOptions, Masters, ScanFile
from nexus_writer.layout.holder import ScanHolders
from nexus_writer.layout.side_links import RETRY_EVERY_S, SideLinks
from nexus_writer.model import Scan
from tests.hdf5.processes import run_python, running_python
from tests.serve_process import wait_until

from .scans import channel, points, scan_info

CHANNELS = {"timer": {"timer": [], "ctl": ["ctl:diode"]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ds" / "ds.h5"


def scan_in(path: Path, number: int = 1, start: float = 1_800_000_000.25) -> Scan:
    info = scan_info(CHANNELS, filename=str(path), scan_nb=number, start_timestamp=start)
    info["nexuswriter"]["masterfiles"] = {"proposal": str(path.parent.parent / "p.h5")}
    return Scan.from_info(info, f"session:{number}_scan")


class Writing:
    """One scan in its file, whichever that is."""

    def __init__(self, scan: Scan, files: OpenFiles, masters: Masters | None = None) -> None:
        self.file = ScanFile(scan, files, LayoutOptions(), masters)
        self.diode = channel(scan, "ctl:diode")

    def begin(self, *values: float, start: int = 0, beside: bool = True) -> Writing:
        """With these points, committed."""
        self.file.create(beside=beside)
        self.file.add_channel(self.diode)
        return self.take(*values, start=start)

    def take(self, *values: float, start: int) -> Writing:
        if values:
            self.file.append(points(self.diode, *values, start=start))
            self.file.commit()
        return self

    def end(self, *, may_go_on: bool = False) -> str | None:
        return self.file.finish(
            None if may_go_on else {}, "", "killed" if may_go_on else None, may_go_on=may_go_on
        )


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process has the file open for writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "a")
        file.flush()
        print("ready", flush=True)
        sys.stdin.read()
    """
    with running_python(code, path):
        yield


def side_of(path: Path, kind: str = "beside") -> Path:
    return path.with_stem(f"{path.stem}_{kind}")


def diode(path: Path, entry: str = "1.1") -> list[float]:
    """As another process finds it through the file."""
    code = "import h5py, sys; print(h5py.File(sys.argv[1])[sys.argv[2]][()].tolist())"
    found: list[float] = eval(run_python(code, path, f"{entry}/measurement/diode"), {"nan": np.nan})
    return found


def link(path: Path, name: str = "1.1") -> tuple[str, str] | None:
    with h5py.File(path) as file:
        found = file.get(name, getlink=True)
    return (found.filename, found.path) if isinstance(found, h5py.ExternalLink) else None


def test_a_file_that_is_locked_is_waited_for(files: OpenFiles, path: Path) -> None:
    with held(path), pytest.raises(FileLocked, match="python"):
        Writing(scan_in(path), files).begin(beside=False)
    assert not side_of(path).exists()


def test_a_scan_beside_its_file_is_linked_there_when_that_is_free(files: OpenFiles, path: Path) -> None:
    masters = Masters(files)
    with held(path):
        writing = Writing(scan_in(path), files, masters).begin(1, 2)
        assert writing.file.uris == [f"{side_of(path)}::/1.1"]
        assert writing.end() is None
        [warning] = writing.file.warnings
        assert warning.startswith(f"{path} is open for writing in python")
        assert f"saved in {side_of(path)}, and linked in ds.h5 when that is free" in warning
        assert len(masters) == 1
        masters.sides.retry()
        assert len(masters) == 1
    masters.sides.link(path)
    assert len(masters) == 0
    assert link(path) == ("ds_beside.h5", "/1.1")
    assert diode(path) == [1, 2]


def test_the_link_is_made_while_the_scan_runs(files: OpenFiles, path: Path) -> None:
    clock_s = 100.0
    masters = Masters(files, lambda: clock_s)
    with held(path):
        writing = Writing(scan_in(path), files, masters).begin(1)
    clock_s += RETRY_EVERY_S
    writing.take(2, start=1)
    assert link(path) == ("ds_beside.h5", "/1.1")
    assert diode(path) == [1, 2]
    writing.end()


def test_the_next_scan_goes_into_the_file_again_and_links_the_one_beside(
    files: OpenFiles, path: Path
) -> None:
    """By another writer, that knows nothing of the first."""
    with held(path):
        Writing(scan_in(path), files).begin(1).end()
    second = Writing(scan_in(path, 2), files).begin(5)
    assert second.file.uris == [f"{path}::/2.1"]
    second.end()
    assert link(path, "1.1") == ("ds_beside.h5", "/1.1")
    assert link(path, "2.1") is None
    assert diode(path, "1.1") == [1]
    assert diode(path, "2.1") == [5]


def test_a_side_file_that_is_locked_too(files: OpenFiles, path: Path) -> None:
    with held(path), held(side_of(path)):
        first = Writing(scan_in(path), files).begin(1)
        assert first.file.uris == [f"{side_of(path, 'beside_2')}::/1.1"]
        first.end()
    SideLinks(files).link(path)
    assert link(path) == ("ds_beside_2.h5", "/1.1")


def test_a_name_that_is_taken_in_the_side_file(files: OpenFiles, path: Path) -> None:
    """By a scan of the same number from another day."""
    with held(path):
        Writing(scan_in(path, start=1_700_000_000.0), files).begin(1).end()
        other = Writing(scan_in(path), files).begin(2)
        assert other.file.uris == [f"{side_of(path, 'beside_2')}::/1.1"]
        other.end()


def test_masters_link_to_the_real_place_under_the_usual_name(files: OpenFiles, path: Path) -> None:
    with held(path):
        Writing(scan_in(path), files).begin(1).end()
    assert link(path.parent.parent / "p.h5", "ds_1.1") == ("ds/ds_beside.h5", "/1.1")


def test_a_master_that_links_to_the_file_already_is_left_alone(files: OpenFiles, path: Path) -> None:
    """By the writer that began the scan there: the way will lead on."""
    Writing(scan_in(path), files).begin(1).end(may_go_on=True)
    with held(path):
        assert Writing(scan_in(path), files).begin(1).end() is None
    SideLinks(files).link(path)
    with h5py.File(path.parent.parent / "p.h5") as master:
        assert list(master) == ["ds_1.1"]
    assert diode(path.parent.parent / "p.h5", "ds_1.1") == [1]


def test_an_unfinished_entry_gives_what_only_it_has_and_goes(files: OpenFiles, path: Path) -> None:
    Writing(scan_in(path), files).begin(1, 2, 3).end(may_go_on=True)
    with held(path):
        beside = Writing(scan_in(path), files).begin(4, 5, start=3)  # Redis has no more of the first
        assert beside.end() is None
    SideLinks(files).link(path)
    with h5py.File(path) as file:
        assert list(file) == ["1.1"]
    assert link(path) == ("ds_beside.h5", "/1.1")
    assert diode(path) == [1, 2, 3, 4, 5]


def test_an_unfinished_entry_that_is_not_covered_yet_is_set_aside(files: OpenFiles, path: Path) -> None:
    """Nothing that was committed is ever in neither of the files."""
    Writing(scan_in(path), files).begin(1, 2, 3).end(may_go_on=True)
    masters = Masters(files)
    with held(path):
        beside = Writing(scan_in(path), files, masters).begin(1)
    masters.sides.link(path)
    assert link(path) == ("ds_beside.h5", "/1.1")
    with h5py.File(path) as file:
        assert file["1.1_unfinished/instrument/diode/data"][()].tolist() == [1, 2, 3]
    assert len(masters) == 1
    beside.take(2, 3, 4, start=1)
    assert beside.end() is None
    assert len(masters) == 0
    with h5py.File(path) as file:
        assert list(file) == ["1.1"]
    assert diode(path) == [1, 2, 3, 4]


def test_points_that_could_not_be_taken_over_stay(
    files: OpenFiles, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writing(scan_in(path), files).begin(1, 2, 3).end(may_go_on=True)
    with held(path):
        beside = Writing(scan_in(path), files).begin(3, start=2)
        monkeypatch.setattr(ScanHolders, "bring_over", lambda *_: None)
        assert "points 0 to 1 never came" in (beside.end() or "")
    links = SideLinks(files)
    links.link(path)
    links.link(path)
    assert len(links) == 0
    with h5py.File(path) as file:
        assert file["1.1_unfinished/instrument/diode/data"][()].tolist() == [1, 2, 3]
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"{path}::/1.1_unfinished has points that {side_of(path)} lacks: it stays"
    ]


def test_an_entry_of_another_scan_is_never_touched(
    files: OpenFiles, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with held(path):
        Writing(scan_in(path), files).begin(1).end()
    with h5py.File(path, "a") as file:
        file["1.1/precious"] = 42
    links = SideLinks(files)
    links.link(path)
    assert len(links) == 0
    with h5py.File(path) as file:
        assert file["1.1/precious"][()] == 42
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.message == f"1.1 of {side_of(path)} is not linked in {path}: something else has its name"


def test_linking_twice_changes_nothing(files: OpenFiles, path: Path) -> None:
    with held(path):
        Writing(scan_in(path), files).begin(1).end()
    SideLinks(files).link(path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    SideLinks(files).link(path)
    assert before == (path.read_bytes(), path.stat().st_mtime_ns)


def test_a_scan_begun_beside_its_file_is_gone_on_with_there(files: OpenFiles, path: Path) -> None:
    with held(path):
        Writing(scan_in(path), files).begin(1, 2).end(may_go_on=True)
    again = Writing(scan_in(path), files)
    assert not again.file.is_saved()
    again.begin(3, start=2, beside=False)
    assert again.file.uris == [f"{side_of(path)}::/1.1"]
    assert again.end() is None
    assert link(path) == ("ds_beside.h5", "/1.1")
    assert diode(path) == [1, 2, 3]
    assert Writing(scan_in(path), files).file.is_saved()


def test_a_successor_of_a_successor(files: OpenFiles, path: Path) -> None:
    """Each has points that the others lack; the file links to the one that has them all."""
    Writing(scan_in(path), files).begin(1, 2).end(may_go_on=True)
    with held(path):
        Writing(scan_in(path), files).begin(3, start=2).end(may_go_on=True)
    SideLinks(files).link(path)
    assert link(path) == ("ds_beside.h5", "/1.1")
    with held(path), held(side_of(path)):
        last = Writing(scan_in(path), files).begin(4, start=3)
        assert last.file.uris == [f"{side_of(path, 'beside_2')}::/1.1"]
        assert last.end() is None
    SideLinks(files).link(path)
    assert link(path) == ("ds_beside_2.h5", "/1.1")
    assert diode(path) == [1, 2, 3, 4]


def test_a_complete_scan_is_linked_where_its_writer_could_not(files: OpenFiles, path: Path) -> None:
    """At the look back of the next writer."""
    master = path.parent.parent / "p.h5"
    with held(path), held(master):
        Writing(scan_in(path), files).begin(1).end()
    later = Writing(scan_in(path), files).file
    assert later.is_saved()
    later.link()
    assert diode(path) == [1]
    assert diode(master, "ds_1.1") == [1]


def test_scans_beside_a_damaged_file_are_linked_in_the_new_one(files: OpenFiles, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("no HDF5")
    Writing(scan_in(path), files).begin(1).end()
    assert path.read_text() == "no HDF5"
    path.unlink()
    Writing(scan_in(path, 2), files).begin(2).end()
    assert link(path) == ("ds_rebuilt.h5", "/1.1")
    assert diode(path) == [1]


WRITES = """
    import sys
    from pathlib import Path
    from nexus_writer.hdf5 import OpenFiles
    from tests.layout.test_side_links import Writing, scan_in
    writing = Writing(scan_in(Path(sys.argv[1])), OpenFiles()).begin(1)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("skew_s", [-3600, 0, 3600])
def test_a_scan_that_another_writer_is_at_work_on(
    files: OpenFiles, path: Path, monkeypatch: pytest.MonkeyPatch, skew_s: float
) -> None:
    """It is written twice only when that one is frozen, or when this one is its successor. The host that says
    when a file was written may have another time."""
    monkeypatch.setattr("nexus_writer.layout.holder.AT_WORK_S", 1.0)
    with running_python(WRITES, path):
        other = Writing(scan_in(path), files)
        began = written = time.monotonic()
        while time.monotonic() - began < 1.5:
            os.utime(path, times=(0, time.time() + skew_s))
            written = time.monotonic()
            with pytest.raises(FileLocked):
                other.begin(1)
            time.sleep(0.05)
        assert not side_of(path).exists()
        wait_until(lambda: _begins(other), "begun beside")
        assert time.monotonic() - written > 0.9
        assert other.file.uris == [f"{side_of(path)}::/1.1"]
        other.end()


def _begins(writing: Writing) -> bool:
    try:
        writing.begin(1)
    except FileLocked:
        return False
    return True


def test_a_successor_opens_no_file_that_cannot_be_locked(
    files: OpenFiles, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may be frozen, and go on to write; all that tells is the lock."""

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with running_python(WRITES, path):
        before = path.read_bytes()
        monkeypatch.setattr(fcntl, "flock", no_locks)
        monkeypatch.setattr(fcntl, "fcntl", no_locks)
        successor = Writing(scan_in(path), files)
        successor.file.create(beside=True, take_over=True)
        successor.end()
        assert successor.file.uris == [f"{side_of(path)}::/1.1"]
        assert "cannot be locked" in successor.file.warnings[0]
        assert path.read_bytes() == before
        another = Writing(scan_in(path, start=2_000_000_000.0), files)
        another.file.create(beside=True, take_over=True)
        another.end()
        assert another.file.uris == [f"{side_of(path).with_stem('ds_beside_2')}::/1.1"]


def test_the_successor_of_a_writer_that_was_at_work_a_moment_ago(files: OpenFiles, path: Path) -> None:
    with running_python(WRITES, path):
        successor = Writing(scan_in(path), files)
        successor.file.create(beside=True, take_over=True)
        assert successor.file.uris == [f"{side_of(path)}::/1.1"]
        successor.end()


def test_another_scan_does_not_wait_for_a_writer_at_work(files: OpenFiles, path: Path) -> None:
    with running_python(WRITES, path):
        other = Writing(scan_in(path, 2), files).begin(1)
        assert other.file.uris == [f"{side_of(path)}::/2.1"]
        other.end()


@pytest.mark.parametrize("beside", [True, False])
def test_a_scan_whose_writers_were_killed_very_often(files: OpenFiles, path: Path, beside: bool) -> None:
    """There is a name for each entry that is set aside."""
    Writing(scan_in(path), files).begin(1, 2).end(may_go_on=True)
    with h5py.File(path, "a") as file:
        for number in ("", *(f"_{number}" for number in range(2, 40))):
            file[f"1.1_unfinished{number}/taken"] = 1
    if beside:
        with held(path):
            again = Writing(scan_in(path), files).begin()
        SideLinks(files).link(path)
    else:
        again = Writing(scan_in(path), files).begin()
    with h5py.File(path) as file:
        assert file["1.1_unfinished_40/instrument/diode/data"][()].tolist() == [1, 2]
    assert again.take(3, start=2).end() is None
    assert diode(path) == [1, 2, 3]
    with h5py.File(path) as file:
        assert "1.1_unfinished_40" not in file
        assert "1.1_unfinished_39" in file
