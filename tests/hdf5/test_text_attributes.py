from __future__ import annotations

import pytest

from nexus_writer.hdf5 import LiveFile, _text_attributes, create_group, set_attributes
from nexus_writer.hdf5.items import new_text_attribute

from .conftest import as_after_a_kill

TEXTS = ["", "mm", "µ Å", "a\0b", "\ud800", "x" * 5000]


@pytest.fixture(params=["library", "h5py"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the functions of the C library."""
    if request.param == "h5py":
        monkeypatch.setattr(_text_attributes, "_library", None)
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_h5py_would_write_it(live: LiveFile, text: str) -> None:
    group = create_group(live.root, "g", text or "NXcollection")
    new_text_attribute(group.id, b"own", text)
    group.attrs["by_h5py"] = "x"
    live.flush()
    with as_after_a_kill(live) as file:
        stored = file["g"]
        types = [stored.attrs.get_id(name).get_type() for name in ("own", "by_h5py")]
        assert types[0] == types[1]
        assert stored.attrs.get_id("own").shape == ()
        assert stored.attrs["own"] == text.replace("\0", "\\x00").replace("\ud800", "\\ud800")


@pytest.mark.usefixtures("way")
def test_an_attribute_that_exists_is_an_error_without_noise(
    live: LiveFile, capfd: pytest.CaptureFixture[str]
) -> None:
    group = create_group(live.root, "g", "NXcollection")
    with pytest.raises(OSError, match="already exists"):
        new_text_attribute(group.id, b"NX_class", "again")
    assert group.attrs["NX_class"] == "NXcollection"
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("way")
def test_thousands_of_them_leave_no_identifier_open(live: LiveFile) -> None:
    group = create_group(live.root, "g", "NXcollection")
    before = _open_objects(live)
    for number in range(1000):
        new_text_attribute(group.id, b"a%d" % number, str(number))
    assert _open_objects(live) == before


def test_a_text_that_the_library_could_not_write_is_written_by_h5py(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_text_attributes._library, "write", lambda *args: -1)
    group = create_group(live.root, "g", "NXcollection")
    assert group.attrs["NX_class"] == "NXcollection"


def test_the_library_is_found() -> None:
    assert _text_attributes._library is not None


def test_set_attributes_replaces_a_text(live: LiveFile) -> None:
    group = create_group(live.root, "g", "NXcollection")
    set_attributes(group, {"NX_class": "NXdetector", "new": "x"})
    assert dict(group.attrs) == {"NX_class": "NXdetector", "new": "x"}


def _open_objects(live: LiveFile) -> int:
    from h5py import h5f

    return int(h5f.get_obj_count(live.root.file.id, h5f.OBJ_ALL))
