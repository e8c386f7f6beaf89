"""Comments that users leave in a scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .fields import Fields
from .instant import from_timestamp


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    time: datetime | None


def read_comments(info: Fields) -> tuple[Comment, ...]:
    """In the order in which they were made."""
    comments = []
    for index, item in enumerate(info.items("comments")):
        if not isinstance(item, dict):
            info.problems.append(f"comments[{index}] is {type(item).__name__} instead of a mapping")
            continue
        fields = Fields(item, info.problems, f"comments[{index}].")
        epoch_s = fields.number("timestamp")
        time = None if epoch_s is None else from_timestamp(epoch_s)
        comments.append(Comment(fields.text("message", needed=True), time))
    return tuple(comments)
