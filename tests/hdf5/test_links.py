"""What a name is, without opening other files."""

from __future__ import annotations

from nexus_writer.hdf5 import (
    LiveFile,
    create_group,
    external_link,
    external_target,
    has_item,
    rename_link,
    soft_link,
)


def test_links_that_lead_nowhere_have_names(live: LiveFile) -> None:
    external_link(live.root, "external", "no/such.h5", "/1.1")
    soft_link(live.root, "soft", "/nothing")
    create_group(live.root, "group", "NXentry")
    assert [has_item(live.root, name) for name in ("external", "soft", "group", "other")] == [True] * 3 + [
        False
    ]
    assert external_target(live.root, "external") == ("no/such.h5", "/1.1")
    for name in ("soft", "group", "other"):
        assert external_target(live.root, name) is None


def test_a_link_gets_another_name(live: LiveFile) -> None:
    external_link(live.root, "old", "no/such.h5", "/1.1")
    rename_link(live.root, "old", "new")
    assert not has_item(live.root, "old")
    assert external_target(live.root, "new") == ("no/such.h5", "/1.1")
