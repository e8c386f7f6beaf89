from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import (
    FileBroken,
    FileDamaged,
    FileNotWritable,
    LiveFile,
    NotHdf5,
    OpenFiles,
    create_group,
    metadata_cache,
    opening,
    write_value,
)

from .processes import run_python, running_python


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_new_file_has_its_directories_and_root_attributes(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "proposal" / "sample" / "scan.h5"
    files.release(files.acquire(path, {"creator": "nexus-writer", "publisher_version": "1"}))
    with h5py.File(path) as file:
        attributes = dict(file.attrs)
        assert attributes.pop("file_time")[:2] == "20"
        assert attributes == {
            "NX_class": "NXroot",
            "file_name": str(path),
            "HDF5_Version": h5py.version.hdf5_version,
            "h5py_version": h5py.version.version,
            "creator": "nexus-writer",
            "publisher_version": "1",
        }
    assert names(path.parent) == ["scan.h5"]


def test_the_format_is_one_that_opens_while_it_grows(live: LiveFile) -> None:
    live.flush()
    superblock = live.path.read_bytes()[:12]
    assert superblock[8] == 2


def test_an_existing_file_is_extended_and_its_attributes_stay(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["old"] = 1
        file.attrs["creator"] = "somebody"
    live = files.acquire(path, {"creator": "us"})
    write_value(live.root, "new", 2)
    files.release(live)
    with h5py.File(path) as file:
        assert (file["old"][()], file["new"][()]) == (1, 2)
        assert dict(file.attrs) == {"creator": "somebody"}


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n", b"\0" * 5000])
def test_what_is_no_hdf5_stays_untouched(files: OpenFiles, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scan.h5"
    path.write_bytes(content)
    with pytest.raises(NotHdf5, match="not touched"):
        files.acquire(path, {})
    assert path.read_bytes() == content
    assert len(files) == 0


def test_a_damaged_file_stays_untouched(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["x"] = range(1000)
    damaged = path.read_bytes()[:1000]
    path.write_bytes(damaged)
    for _ in range(2):  # the locks were given back
        with pytest.raises(FileDamaged, match="truncated"):
            files.acquire(path, {})
    assert path.read_bytes() == damaged


def test_a_file_behind_a_user_block_is_hdf5(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    h5py.File(path, "w", userblock_size=1024).close()
    files.release(files.acquire(path, {}))


def test_a_place_where_nothing_can_be_written(files: OpenFiles, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotWritable):
        files.acquire(tmp_path / "file" / "scan.h5", {})
    with pytest.raises(FileNotWritable):
        files.acquire("/proc/scan.h5", {})
    with pytest.raises(FileNotWritable, match="Is a directory"):
        files.acquire(tmp_path, {})
    with pytest.raises(FileNotWritable, match="too long"):
        files.acquire(tmp_path / ("x" * 300), {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotHdf5):
        files.acquire(tmp_path / "pipe", {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_read_only(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    h5py.File(path, "w").close()
    path.chmod(0o400)
    with pytest.raises(FileNotWritable, match="Permission denied"):
        files.acquire(path, {})


def test_scans_share_a_file_until_the_last_gives_it_back(files: OpenFiles, tmp_path: Path) -> None:
    (tmp_path / "link.h5").symlink_to(tmp_path / "scan.h5")
    first = files.acquire(tmp_path / "scan.h5", {})
    second = files.acquire(tmp_path / "link.h5", {})
    assert first is second
    files.release(first)
    create_group(second.root, "2.1", "NXentry")
    files.release(second)
    assert len(files) == 0
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        assert list(file) == ["2.1"]


def test_one_release_too_many_changes_nothing(files: OpenFiles, tmp_path: Path) -> None:
    first = files.acquire(tmp_path / "scan.h5", {})
    files.release(first)
    second = files.acquire(tmp_path / "scan.h5", {})
    files.release(first)
    second.flush()
    files.release(second)


def test_two_processes_that_create_a_file_at_once_make_one(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from nexus_writer.hdf5.new_file import create_if_missing
        print("ready", flush=True)
        for i in sys.stdin.readline().split():
            create_if_missing(Path(sys.argv[1]) / i, {"who": sys.argv[2]})
        print("done", flush=True)
        sys.stdin.readline()
    """
    wanted = [f"{i}.h5" for i in range(100)]
    with running_python(code, tmp_path, "a") as a, running_python(code, tmp_path, "b") as b:
        for process in (a, b):
            assert process.stdin is not None
            process.stdin.write(" ".join(wanted) + "\n")
            process.stdin.flush()
        for process in (a, b):
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "done"
    assert names(tmp_path) == sorted(wanted)
    for name in wanted:
        with h5py.File(tmp_path / name) as file:
            assert file.attrs["who"] in "ab"


def test_a_file_system_without_hard_links(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    files.release(files.acquire(tmp_path / "scan.h5", {}))
    assert names(tmp_path) == ["scan.h5"]
    assert h5py.is_hdf5(tmp_path / "scan.h5")


def test_a_broken_file_is_not_given_to_another_scan(files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    file = files.acquire(path, {})
    file.flush()
    file.poison("disk full")
    with pytest.raises(FileBroken, match="disk full"):
        files.acquire(path, {})
    files.release(file)
    again = files.acquire(path, {})
    write_value(again.root, "x", 1)
    files.release(again)
    assert run_python("import h5py, sys; print(h5py.File(sys.argv[1])['x'][()])", path) == "1"


def test_a_file_that_is_replaced_while_it_is_opened_is_left_alone(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is reserved, synced and given back to the disk is of the file that is locked."""
    path, moved = tmp_path / "scan.h5", tmp_path / "moved.h5"
    files.release(files.acquire(path, {}))
    find_end = opening.end_where_it_ends

    def replace(descriptor: int) -> None:
        find_end(descriptor)
        path.rename(moved)
        path.write_bytes(b"another file")

    monkeypatch.setattr(opening, "end_where_it_ends", replace)
    live = files.acquire(path, {})
    write_value(live.root, "x", np.arange(100_000))
    live.flush()
    assert path.stat().st_blocks <= 8
    assert os.path.samestat(os.fstat(live._descriptor), moved.stat())
    files.release(live)
    assert path.read_bytes() == b"another file"
    with h5py.File(moved) as file:
        assert len(file["x"]) == 100_000


def test_without_descriptors_a_file_is_not_kept_locked(tmp_path: Path) -> None:
    code = """
        import os, resource, sys
        from nexus_writer.hdf5 import FileNotWritable, OpenFiles
        files = OpenFiles()
        files.release(files.acquire(sys.argv[1], {}))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        refused = 0
        for spare in range(12):
            before = len(os.listdir("/proc/self/fd"))
            lowest = os.dup(0)
            os.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, hard))
            try:
                files.release(files.acquire(sys.argv[1], {}))
            except FileNotWritable as error:
                assert "Too many open files" in str(error), error
                refused += 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            assert len(os.listdir("/proc/self/fd")) == before, spare
            files.release(files.acquire(sys.argv[1], {}))
        print(refused)
    """
    assert 2 <= int(run_python(code, tmp_path / "scan.h5")) < 12


def test_metadata_of_what_is_complete_is_not_kept_as_long_as_the_file_is_open(
    files: OpenFiles, tmp_path: Path
) -> None:
    """HDF5 takes 4 kB for an object of 300 bytes: 200 MB after 500 small scans."""
    path = tmp_path / "scans.h5"
    live = files.acquire(path, {})
    kept, texts = [], [f"t{number}" for number in range(60)]
    for number in range(200):
        scan = files.acquire(path, {})
        entry = create_group(scan.root, f"{number}.1", "NXentry")
        for name in texts:
            write_value(entry, name, f"{name} of {number}" * 10)
        scan.flush()
        files.release(scan)
        kept.append(live.root.file.id.get_mdc_size()[2])
    assert max(kept) < 2 * metadata_cache.MOST_KEPT_NBYTES < sum(kept[:20])
    files.release(live)
    with h5py.File(path) as file:
        for number in range(200):
            assert set(file[f"{number}.1"]) == {*texts}
            assert file[f"{number}.1/t7"].asstr()[()] == f"t7 of {number}" * 10
