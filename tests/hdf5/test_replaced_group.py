"""Groups that are made anew as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_writer.hdf5 import (
    EntryExists,
    LiveFile,
    NewGroup,
    ReplacedGroup,
    has_link,
    soft_link,
    write_value,
)

from .conftest import as_after_a_kill


def version(number: int) -> NewGroup:
    def fill(group: Any) -> None:
        write_value(group, f"value{number}", number)
        soft_link(group, "link", f"value{number}")

    return NewGroup("NXdata", fill)


def found(live: LiveFile) -> dict[str, Any]:
    live.flush()
    with as_after_a_kill(live) as file:
        return {name: file["plot"][name][()] for name in file["plot"]} if "plot" in file else {}


def test_a_version_is_in_the_file_before_it_is_seen(live: LiveFile) -> None:
    group = ReplacedGroup(live.root, "plot")
    assert not group.publish()
    for number in (1, 2, 3):
        before = found(live)
        group.stage(version(number), {})
        assert found(live) == before
        assert group.publish()
        assert found(live) == {f"value{number}": number, "link": number}
        assert not group.publish()
    with as_after_a_kill(live) as file:
        assert dict(file["plot"].attrs) == {"NX_class": "NXdata"}
        assert list(file) == ["plot"]
    group.close()


def test_the_group_of_before_can_still_be_read(live: LiveFile) -> None:
    """By a reader that looked its name up just before it was replaced."""
    group = ReplacedGroup(live.root, "plot")
    for number in (1, 2):
        group.stage(version(number), {})
        live.flush()
        group.publish()
        live.flush()
        if number == 1:
            old = live.root["plot"]
    assert old["value1"][()] == 1
    del old
    group.close()


def test_removed(live: LiveFile) -> None:
    group = ReplacedGroup(live.root, "plot")
    group.stage(version(1), {})
    group.publish()
    group.remove()
    assert found(live) == {}


def test_a_name_that_is_taken(live: LiveFile) -> None:
    write_value(live.root, "plot", 1)
    with pytest.raises(EntryExists):
        ReplacedGroup(live.root, "plot")


def test_has_link(live: LiveFile) -> None:
    write_value(live.root, "value", 1)
    soft_link(live.root, "link", "/nowhere")
    assert [has_link(live.root, name) for name in ("value", "link", "nothing")] == [False, True, False]
