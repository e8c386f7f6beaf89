"""The sessions that have published something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from . import keys
from .connection import connect
from .errors import DataError
from .nodes import DataNodeContainer, get_nodes

KEYS_PER_REPLY = 1000
_SHOWN = 10


class NoSuchSession(DataError):
    """Nothing was published under that name (yet)."""

    def __init__(self, name: str, known: list[str]) -> None:
        shown = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
        has = f"it has {shown}" if known else "it has none at all, is it the right server?"
        super().__init__(f"Redis has no session {name} ({has}): correct the name, or wait for it to begin")
        self.name = name


def sessions_list(connection: redis.Redis | None = None) -> list[DataNodeContainer]:
    """Sessions with something in Redis, by name, whether they run or not.

    Looks at every key of Redis, without hindering others. Without a ``connection`` as ``connect`` does.
    """
    connection = connect() if connection is None else connection
    found = get_nodes(*sorted(set(_names(connection))), connection=connection)
    return [node for node in found if isinstance(node, DataNodeContainer)]


def check_session_exists(name: str, connection: redis.Redis) -> None:
    """Raises NoSuchSession, which tells those that there are."""
    if not connection.exists(keys.children_list(name)):
        raise NoSuchSession(name, [session.name for session in sessions_list(connection)])


def why_unknown(name: str, connection: redis.Redis) -> str:
    """What there is instead of a session of that name, which may be mistyped; empty where it exists."""
    try:
        check_session_exists(name, connection)
    except NoSuchSession as error:
        return str(error)
    return ""


def _names(connection: redis.Redis) -> Iterator[str]:
    """A session is a container without a parent: its key has no colon."""
    found: Any = connection.scan_iter(match=b"*" + keys.CHILDREN_SUFFIX, count=KEYS_PER_REPLY)
    for key in found:
        if b":" not in key:
            yield keys.to_text(key.removesuffix(keys.CHILDREN_SUFFIX))
