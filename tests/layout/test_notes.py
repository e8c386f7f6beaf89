"""Comments as NeXus notes."""

from __future__ import annotations

from datetime import UTC, datetime

from nexus_writer.layout.notes import notes_tree
from nexus_writer.model import Comment


def test_no_comments_leave_nothing() -> None:
    assert notes_tree(()) == {}


def test_comments_are_numbered_in_their_order() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    tree = notes_tree([Comment("first", time), Comment("second", None)])
    assert tree == {
        "@NX_class": "NXnote",
        "note_01": {
            "@NX_class": "NXnote",
            "type": "text/plain",
            "data": "first",
            "sequence_index": 1,
            "date": "2026-01-01T00:00:00+00:00",
        },
        "note_02": {
            "@NX_class": "NXnote",
            "type": "text/plain",
            "data": "second",
            "sequence_index": 2,
        },
    }


def test_numbers_go_on_behind_99() -> None:
    tree = notes_tree([Comment("x", None)] * 101)
    assert list(tree)[-2:] == ["note_100", "note_101"]
