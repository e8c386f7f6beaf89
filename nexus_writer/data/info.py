"""What a node says of itself: a hash of pickled fields, and the plain fields of the node's own hash."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.link import Link
from nexus_writer.data.opaque import Opaque
from nexus_writer.data.pickles import loads

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RawInfo:
    """The fields of an info as Redis has them, pickled; empty when there is no info (any more)."""

    fields: dict[bytes, bytes]

    @classmethod
    def from_reply(cls, reply: Sequence[bytes]) -> RawInfo:
        """From the reply to HGETALL: field, value, field, value, ..."""
        return cls(pairs(reply))

    def decode(self) -> dict[str, Any]:
        """All fields. One that cannot be decoded becomes an Opaque with its name and costs no other one."""
        return {keys.to_text(name): decoded(value, keys.to_text(name)) for name, value in self.fields.items()}

    def get(self, name: str, default: Any = None) -> Any:
        """One field, decoded alone."""
        value = self.fields.get(keys.to_bytes(name))
        return default if value is None else decoded(value, name)


def decoded(value: bytes, name: str) -> Any:
    """A pickled value; an Opaque named after the field ``name`` where the bytes are no whole pickle."""
    try:
        return loads(value)
    except Exception as error:
        logger.warning("field %s cannot be decoded (%s): it is left opaque", name, error)
        return Opaque("undecodable", name)


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """The plain fields of a node's own hash; empty texts for those that it lacks.

    ``version`` is v1.1 for a node that is complete, and None (the word) before that.
    """

    key: str
    node_type: str
    name: str
    parent: str
    version: str

    @classmethod
    def from_reply(cls, key: str, reply: Sequence[bytes]) -> NodeRecord | None:
        """From the reply to HGETALL: field, value, field, value, ...; None when the node does not exist."""
        return cls.from_fields(key, pairs(reply)) if reply else None

    @classmethod
    def from_fields(cls, key: str, raw: Mapping[bytes, bytes]) -> NodeRecord:
        fields = {name: keys.to_text(value) for name, value in raw.items()}
        return cls(
            key,
            node_type=fields.get(b"node_type", ""),
            name=fields.get(b"name", key.rpartition(":")[2]),
            parent=fields.get(b"parent", ""),
            version=fields.get(b"version", ""),
        )

    @property
    def initialized(self) -> bool:
        """Whether its publisher has finished making it."""
        return self.version.startswith("v")

    @property
    def supported(self) -> bool:
        """Whether it is complete and in the one format there is."""
        return self.version == "v1" or self.version.startswith("v1.")

    def is_usable(self) -> bool:
        """Whether it is supported; if not, a line in the log says so."""
        if not self.supported:
            logger.warning("node %s has the unknown version %r: it is skipped", self.key, self.version)
        return self.supported

    @property
    def has_data(self) -> bool:
        """Whether it has a data stream, and no children."""
        return self.node_type in keys.CHANNEL_TYPES


def fetch_records(link: Link, node_keys: Sequence[str]) -> list[NodeRecord | None]:
    """Nodes as they are now, in one round trip; None where there is none."""
    replies = link.call_all([(b"HGETALL", keys.to_bytes(key)) for key in node_keys])
    return [
        None if _failed(reply, key) else NodeRecord.from_reply(key, reply)
        for key, reply in zip(node_keys, replies, strict=True)
    ]


def fetch_announced(link: Link, node_keys: Sequence[str]) -> list[tuple[NodeRecord, RawInfo]]:
    """Nodes and their infos, in one round trip; those that are gone, or not of our format, are left out."""
    commands = [(b"HGETALL", name) for key in node_keys for name in (keys.to_bytes(key), keys.info(key))]
    replies = link.call_all(commands)
    found = []
    for key, record_reply, info_reply in zip(node_keys, replies[::2], replies[1::2], strict=True):
        record = None if _failed(record_reply, key) else NodeRecord.from_reply(key, record_reply)
        if record is not None and record.is_usable():
            found.append((record, RawInfo.from_reply(() if _failed(info_reply, key) else info_reply)))
    return found


def announced_keys(entries: Sequence[Sequence[Any]]) -> list[str]:
    """Keys of the nodes that entries of a children list announce."""
    found = (announced_key(pairs(fields)) for _, fields in entries)
    return [key for key in found if key is not None]


def announced_key(event: Mapping[bytes, bytes]) -> str | None:
    """Key of the node that an event announces; None when it is no NEW_NODE."""
    key = event.get(keys.DB_NAME_FIELD)
    if key is None or event.get(keys.EVENT_FIELD) != keys.NEW_NODE:
        return None
    return keys.to_text(key)


def _failed(reply: Any, key: str) -> bool:
    if isinstance(reply, redis.ResponseError):
        logger.warning("node %s cannot be read (%s): it is skipped", key, reply)
        return True
    return False


def exception_of(end: Sequence[Any]) -> str:
    """What ended a scan, from the entry of its end; "" for nothing, which some publishers call None."""
    value = pairs(end[1]).get(keys.EXCEPTION_FIELD)
    exception = None if value is None else decoded(value, "__EXCEPTION__")
    return "" if exception is None else str(exception)


def pairs(reply: Sequence[bytes]) -> dict[bytes, bytes]:
    """From field, value, field, value, ..."""
    return dict(zip(reply[::2], reply[1::2], strict=True))
