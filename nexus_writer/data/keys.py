"""Names of the keys and fields that a node has in Redis.

A node's key is its ``db_name``. Keys are UTF-8 text where they come from BLISS; other bytes survive the way
to text and back (surrogate escapes), so that no key can break a reader.
"""

from __future__ import annotations

CHILDREN_SUFFIX = b"_children_list"
PREPARED_SUFFIX = b"_prepared"
END_SUFFIX = b"_end"
DATA_SUFFIX = b"_data"
INFO_SUFFIX = b"_info"
DATA_REF_SUFFIX = b"_data_ref"

EVENT_FIELD = b"__EVENT__"
NEW_NODE = b"NEW_NODE"
DB_NAME_FIELD = b"db_name"
TIME_FIELD = b"__TIMESTAMP__"
STRTIME_FIELD = b"__STRTIME__"
EXCEPTION_FIELD = b"__EXCEPTION__"
DESCRIPTION_FIELD = b"__DESC__"
POINTS_FIELD = b"__NPOINTS__"
VALUES_FIELD = b"__DATA__"
STATUS_FIELD = b"__STATUS__"

SCAN_TYPES = frozenset({"scan", "scan_group"})
REFERENCE_TYPE = "node_ref_channel"
CHANNEL_TYPES = frozenset({"channel", "lima", REFERENCE_TYPE})
NOT_BELOW_SCANS = SCAN_TYPES | {"container", "proposal", "dataset_collection", "dataset"}

SUPPORTED_MAJOR_VERSION = b"v1."


def to_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def to_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def children_list(key: str) -> bytes:
    """Stream of the NEW_NODE events of a container."""
    return to_bytes(key) + CHILDREN_SUFFIX


def prepared(key: str) -> bytes:
    """Stream of a scan's PREPARED_SCAN event."""
    return to_bytes(key) + PREPARED_SUFFIX


def end(key: str) -> bytes:
    """Stream of a scan's END_SCAN event."""
    return to_bytes(key) + END_SUFFIX


def data(key: str) -> bytes:
    """Stream of a channel's points, of a camera's status, or of references to nodes."""
    return to_bytes(key) + DATA_SUFFIX


def info(key: str) -> bytes:
    """Hash of pickled fields."""
    return to_bytes(key) + INFO_SUFFIX


def data_ref(key: str) -> bytes:
    """List of a camera's saving descriptions."""
    return to_bytes(key) + DATA_REF_SUFFIX


def is_below(key: str, ancestor: str) -> bool:
    """Whether ``key`` names a node under ``ancestor``."""
    return key.startswith(ancestor + ":")
