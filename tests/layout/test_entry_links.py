"""Links from one file to entries in another."""

from __future__ import annotations

from pathlib import Path

from nexus_writer.layout.entry_links import is_same_file


def test_two_paths_of_one_file(tmp_path: Path) -> None:
    """There or not, and by whatever links."""
    file, other, link = tmp_path / "a.h5", tmp_path / "b.h5", tmp_path / "link.h5"
    (tmp_path / "directory").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "directory")
    link.symlink_to(file)
    below, around = tmp_path / "directory" / "c.h5", tmp_path / "way" / "c.h5"
    for _ in range(2):
        assert is_same_file(file, link)
        assert is_same_file(below, around)
        assert is_same_file(file, tmp_path / "way" / ".." / "a.h5")
        assert not is_same_file(file, other)
        assert not is_same_file(link, other)
        assert not is_same_file(below, file)
        file.touch()
        below.touch()
