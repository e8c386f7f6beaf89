"""Keys of what writers tell each other in Redis.

They begin with ``nexus-writer/``: nothing that follows nodes looks there. A node's key begins with the name
of a session, its parts are separated by colons, and it is found by way of its parents, never by a pattern;
what looks for sessions takes keys without a colon that end in ``_children_list``.
"""

from __future__ import annotations

PREFIX = "nexus-writer"


def lease(session: str, path: str) -> str:
    """Who may write a file: ``fence owner``, for as long as the key lives."""
    return f"{PREFIX}/{session}/lease/{path}"


def fence(session: str, path: str) -> str:
    """The lease of a file as it went to somebody last, for long after it ended."""
    return f"{PREFIX}/{session}/fence/{path}"


def writers(session: str) -> str:
    """Set of the ids of a session's writers."""
    return f"{PREFIX}/{session}/writers"


def writer(session: str, writer_id: str) -> str:
    """What a writer says of itself: JSON, set anew every second."""
    return f"{PREFIX}/{session}/writer/{writer_id}"


def scans(session: str, writer_id: str) -> str:
    """Hash of what a writer says of its scans, by key: JSON."""
    return f"{PREFIX}/{session}/scans/{writer_id}"


def requests(session: str, writer_id: str) -> str:
    """List of what others ask of a writer: JSON."""
    return f"{PREFIX}/{session}/requests/{writer_id}"


def outcome(session: str, scan: str) -> str:
    """What became of a scan: JSON."""
    return f"{PREFIX}/{session}/outcome/{scan}"
