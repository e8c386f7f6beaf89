"""Comments of users, as NeXus notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexus_writer.model import Comment


def notes_tree(comments: Sequence[Comment]) -> dict[str, Any]:
    """The group ``notes``: ``note_01``, ``note_02`` ... in the order of the comments; {} without any.

    It is an NXnote of notes, because that is the class that NeXus wants for this name.
    """
    if not comments:
        return {}
    tree: dict[str, Any] = {"@NX_class": "NXnote"}
    for number, comment in enumerate(comments, 1):
        note: dict[str, Any] = {
            "@NX_class": "NXnote",
            "type": "text/plain",
            "data": comment.text,
            "sequence_index": number,
        }
        if comment.time is not None:
            note["date"] = comment.time.isoformat()
        tree[f"note_{number:02d}"] = note
    return tree
