from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import (
    EntryExists,
    GrowingDataset,
    LiveFile,
    OpenFiles,
    Originals,
    create_group,
    soft_link,
    write_value,
)
from nexus_writer.hdf5.originals import _MOST_KINDS

from .conftest import as_after_a_kill, block

TEXTS = {"type": "samplingcounter", "mode": "MEAN µ"}


def test_copies_are_what_they_would_be_anew(live: LiveFile) -> None:
    originals = Originals(live.root)
    for number in range(4):
        originals.create_group(f"g{number}", "NXdetector", TEXTS)
    bare = [originals.create_group(f"bare{number}", "NXpositioner", {}) for number in range(3)]
    live.flush()
    with as_after_a_kill(live) as file:
        for number in range(4):
            group = file[f"g{number}"]
            assert dict(group.attrs) == {"NX_class": "NXdetector"}
            assert {name: group[name].asstr()[()] for name in group} == TEXTS
            assert group["type"].shape == ()
        assert all(dict(file[group.name].attrs) == {"NX_class": "NXpositioner"} for group in bare)
        assert len(file) == 7


def test_copies_go_their_own_ways(live: LiveFile) -> None:
    originals = Originals(live.root)
    groups = [originals.create_group(f"g{number}", "NXdetector", TEXTS) for number in range(4)]
    for number, group in enumerate(groups):
        GrowingDataset(group, "data", "i8", ()).append([block(0, [number])])
        group.attrs["own"] = number
    live.flush()
    with as_after_a_kill(live) as file:
        for number in range(4):
            assert file[f"g{number}/data"][()].tolist() == [number]
            assert file[f"g{number}"].attrs["own"] == number


def test_kinds_do_not_mix(live: LiveFile) -> None:
    originals = Originals(live.root)
    for number in range(6):
        originals.create_group(f"g{number}", "NXdetector", {"mode": "AB"[number % 2]})
    live.flush()
    with as_after_a_kill(live) as file:
        assert [file[f"g{number}/mode"][()] for number in range(6)] == [b"A", b"B"] * 3


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_a_name_that_is_taken_is_refused(live: LiveFile, before: int) -> None:
    originals = Originals(live.root)
    create_group(live.root, "taken", "NXcollection")
    for number in range(before):
        originals.create_group(f"g{number}", "NXdetector", TEXTS)
    with pytest.raises(EntryExists, match="/taken"):
        originals.create_group("taken", "NXdetector", TEXTS)
    assert live.root["taken"].attrs["NX_class"] == "NXcollection"
    originals.create_group("free", "NXdetector", TEXTS)


def test_many_kinds_are_no_reason_to_keep_many_originals(live: LiveFile) -> None:
    originals = Originals(live.root)
    for number in range(_MOST_KINDS + 10):
        for copy in range(3):
            originals.create_group(f"g{number}_{copy}", "NXdetector", {"mode": str(number)})
    assert len(originals._originals) == _MOST_KINDS
    assert live.root[f"g{_MOST_KINDS + 9}_2/mode"][()] == str(_MOST_KINDS + 9).encode()


def test_nobody_sees_an_original_when_the_file_is_closed(tmp_path: Path) -> None:
    """Also when it is still there then: the file closes all the same."""
    files = OpenFiles()
    live = files.acquire(tmp_path / "a.h5", {})
    originals = Originals(live.root)
    for number in range(3):
        originals.create_group(f"g{number}", "NXdetector", TEXTS)
    files.release(live)
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"g0", "g1", "g2"}
        assert file["g2/type"][()] == b"samplingcounter"
    del originals


def test_a_new_group_does_what_any_group_does(live: LiveFile) -> None:
    group = Originals(live.root).create_group("g", "NXdetector", {})
    GrowingDataset(group, "data", "i8", ()).append([block(0, [1])])
    soft_link(group, "same", "data")
    with pytest.raises(EntryExists, match="/g/same"):
        soft_link(group, "same", "data")
    with pytest.raises(EntryExists, match="/g/data"):
        GrowingDataset(group, "data", "i8", ())
    write_value(group, "more/below", 2)
    assert (group.name, set(group), group["same"][0]) == ("/g", {"data", "same", "more"}, 1)


def test_nothing_grows_in_a_group_of_a_closed_file(files: OpenFiles, tmp_path: Path) -> None:
    live = files.acquire(tmp_path / "a.h5", {})
    group = Originals(live.root).create_group("g", "NXdetector", {})
    files.release(live)
    with pytest.raises(ValueError, match="OpenFiles"):
        GrowingDataset(group, "data", "i8", ())
