"""Texts that are written again and again."""

from __future__ import annotations

import pytest

from nexus_writer.hdf5 import ChangingText, EntryExists, LiveFile, _text_attributes, create_group, write_text

from .conftest import as_after_a_kill

TEXTS = ["STARTING", "", "µ Å", "a\0b", "\ud800", "x" * 5000, "RUNNING"]


@pytest.fixture(params=["library", "h5py"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the functions of the C library."""
    if request.param == "h5py":
        monkeypatch.setattr(_text_attributes, "_library", None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_each_text_is_there_from_the_next_flush_on(live: LiveFile) -> None:
    group = create_group(live.root, "g", "NXnote")
    changing = ChangingText(group, "status", "first")
    for text in TEXTS:
        changing.write(text)
        write_text(group, "another", text)
        live.flush()
        with as_after_a_kill(live) as file:
            found, other = file["g/status"], file["g/another"]
            assert found.asstr()[()] == text.replace("\0", "\\x00").replace("\ud800", "\\ud800")
            assert found[()] == other[()]
            assert found.id.get_type() == other.id.get_type()


@pytest.mark.usefixtures("way")
def test_the_file_does_not_grow_with_every_text(live: LiveFile) -> None:
    group = create_group(live.root, "g", "NXnote")
    changing = ChangingText(group, "status", "RUNNING")
    live.flush()
    before = live.path.stat().st_size
    for number in range(1000):
        changing.write(f"RUNNING {number}")
    live.flush()
    assert live.path.stat().st_size - before <= 4096


def test_a_name_that_is_taken(live: LiveFile) -> None:
    group = create_group(live.root, "g", "NXnote")
    write_text(group, "status", "old")
    with pytest.raises(EntryExists):
        ChangingText(group, "status", "new")
    assert group["status"].asstr()[()] == "old"


def test_a_text_that_the_library_could_not_write_is_written_by_h5py(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = create_group(live.root, "g", "NXnote")
    changing = ChangingText(group, "status", "first")
    monkeypatch.setattr(_text_attributes._library, "write_value", lambda *args: -1)
    changing.write("second")
    assert group["status"].asstr()[()] == "second"
