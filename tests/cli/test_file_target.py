"""Files that commands read, also while they are written."""

from __future__ import annotations

import threading
from pathlib import Path

import h5py
import pytest

from nexus_writer.cli.errors import CommandError
from nexus_writer.cli.file_target import FileTarget


@pytest.mark.parametrize(
    ("text", "path", "item"),
    [
        ("a.h5", "a.h5", "/"),
        ("a.h5::/1.1", "a.h5", "/1.1"),
        ("/d/a.h5::1.1/plot/", "/d/a.h5", "/1.1/plot"),
        ("a.h5::", "a.h5", "/"),
    ],
)
def test_parse(text: str, path: str, item: str) -> None:
    assert FileTarget.parse(text) == FileTarget(Path(path), item)


def test_half_a_file_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    content = path.read_bytes()
    path.write_bytes(content[:600])
    tries = []

    def read(item: h5py.Group) -> int:
        tries.append(1)
        return int(item["x"][()])

    mend = threading.Timer(0.3, lambda: path.write_bytes(content))
    mend.start()
    assert FileTarget(path).read(read) == 1
    mend.join()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(CommandError, match=f"{path}::/ cannot be read .*: nexus-writer doctor {path} says"):
        FileTarget(path).read(lambda item: item)
