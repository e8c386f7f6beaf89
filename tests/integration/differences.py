"""Where our files differ from the classic writer's on purpose: the same list as in the documentation."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """``pattern`` matches ``place why`` of a miss; ``what`` is the first column of the page's row."""

    what: str
    pattern: str


DIFFERENCES = (
    Difference(
        "types the classic writer fails on",
        r"/writer/status values differ: \[b'FAILED'\] != \[b'SUCCEEDED'\]",
    ),
    Difference("class of notes", r"/notes@NX_class attribute 'NXcollection' != 'NXnote'"),
    Difference(
        "axes in error",
        r"/instrument/positioners\w*/\S+ (dtype object != float64|values differ: \[b'[*#!].* != \[nan\])",
    ),
)
