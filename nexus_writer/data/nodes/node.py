"""What all nodes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

import redis

from nexus_writer.data import keys
from nexus_writer.data.errors import NotAClient
from nexus_writer.data.info import NodeRecord, announced_key
from nexus_writer.data.node_info import NodeInfo

from .node_key import NodeKey

if TYPE_CHECKING:
    from nexus_writer.data.walk import Walk
    from nexus_writer.data.walk_filter import NodeFilter
    from nexus_writer.data.walk_options import WalkOptions


class NodeState(Enum):
    """How far a node is: its hash is there; its publisher has completed it; we can read its format."""

    EXISTS = "exists"
    INITIALIZED = "initialized"
    SUPPORTED = "supported"


class DataNode:
    """A node of the tree that Redis holds, by its key ``name`` (its db_name).

    It may exist or not; what it says of itself is read when it is asked for. ``connection`` is a client of
    the database with scans; None connects as ``nexus_writer.data.connect`` does. Raises NotAClient.
    """

    SUFFIXES: tuple[bytes, ...] = (b"", keys.INFO_SUFFIX)
    """Of the keys that a node of this class may have."""

    def __init__(
        self, name: str, connection: redis.Redis | None = None, *, record: NodeRecord | None = None
    ) -> None:
        NotAClient.check(connection)
        self.db_name = name
        self._connection = connection
        self._record = record
        self._meant_type: str | None = None
        self._new = False

    @cached_property
    def connection(self) -> redis.Redis:
        if self._connection is not None:
            return self._connection
        from nexus_writer.data.connection import connect

        return connect()

    @property
    def db_connection(self) -> redis.Redis:
        return self.connection

    @property
    def name(self) -> str:
        """What it calls itself; the last part of its key when it does not exist."""
        record = self.record
        return self.db_name.rpartition(":")[2] if record is None else record.name

    @property
    def fullname(self) -> str:
        return self.name

    @property
    def type(self) -> str | None:
        """The word None for devices; for a node that does not exist what it is meant to be, if anything.

        The others: container (sessions too), proposal, dataset_collection, dataset, scan, scan_group,
        channel, lima, node_ref_channel.
        """
        record = self.record
        return self._meant_type if record is None else record.node_type

    @property
    def node_type(self) -> str | None:
        return self.type

    @property
    def version(self) -> tuple[int, ...] | None:
        """Of its format, like (1, 1); None for a node that is not complete."""
        record = self.record
        if record is None or not record.initialized:
            return None
        numbers = record.version.removeprefix("v").split(".")
        return tuple(map(int, numbers)) if all(map(str.isdecimal, numbers)) else None

    @property
    def new_node(self) -> bool:
        """Whether it was made by this program: ``create_node`` gave it."""
        return self._new

    @property
    def parent(self) -> DataNode | None:
        """None for a session, and for a parent that is gone."""
        from .factory import get_node

        record = self.record
        return get_node(record.parent, self.connection) if record is not None and record.parent else None

    @cached_property
    def info(self) -> NodeInfo:
        return NodeInfo(self.db_name, self.connection)

    @property
    def exists(self) -> bool:
        return bool(self.connection.exists(keys.to_bytes(self.db_name)))

    @property
    def initialized(self) -> bool:
        record = self.record
        return record is not None and record.initialized

    @property
    def supported(self) -> bool:
        record = self.record
        return record is not None and record.supported

    @property
    def record(self) -> NodeRecord | None:
        """Its plain fields, asked from Redis until they are complete; None when it does not exist."""
        if self._record is None or not self._record.initialized:
            fields: Any = self.connection.hgetall(keys.to_bytes(self.db_name))
            self._record = NodeRecord.from_fields(self.db_name, fields) if fields else None
        return self._record

    def settings(self) -> Mapping[str, str]:
        """The plain fields as they are."""
        fields: Any = self.connection.hgetall(keys.to_bytes(self.db_name))
        return {keys.to_text(name): keys.to_text(value) for name, value in fields.items()}

    def become(self, meant_type: str | None, *, is_new: bool) -> None:
        """Say what it is to be, or that this program has just made it."""
        self._meant_type = meant_type
        self._new = is_new
        self.forget()

    def forget(self) -> None:
        """Its plain fields are asked anew."""
        self._record = None

    def get_node(self, name: str, state: NodeState | str = NodeState.SUPPORTED) -> DataNode | None:
        """The node with the key ``name``, by this connection; None where it is not in ``state``."""
        return self.get_nodes(name, state=state)[0]

    def get_nodes(self, *names: str, state: NodeState | str = NodeState.SUPPORTED) -> list[DataNode | None]:
        """Several nodes by one round trip."""
        from .factory import get_nodes

        return get_nodes(*names, connection=self.connection, state=state)

    def get_filtered_nodes(self, *names: str, **options: Any) -> Iterator[DataNode]:
        """As the function of this name, by the connection of this node."""
        from .filtering import get_filtered_nodes

        return get_filtered_nodes(*names, connection=self.connection, **options)

    def get_db_names(self, include_parents: bool = True) -> list[str]:
        """The keys that Redis has of this node, and of all above it."""
        asked = self._own_keys()
        with self.connection.pipeline(transaction=False) as pipeline:
            for key in asked:
                pipeline.exists(keys.to_bytes(key))
            found = [key for key, there in zip(asked, pipeline.execute(), strict=True) if there]
        parent = self.parent if include_parents else None
        return found if parent is None else [*found, *parent.get_db_names()]

    def get_settings(self) -> list[NodeKey]:
        """The keys that a node of this class may have, to look at their expiry or to clear them."""
        return [NodeKey(key, self.connection) for key in self._own_keys()]

    def get_children_stream_index(self) -> bytes | None:
        """Id of the last event by which its parent announced it; None for a session, or without one."""
        record = self.record
        if record is None or not record.parent:
            return None
        entries: Any = self.connection.xrevrange(keys.children_list(record.parent))
        return next((one for one, fields in entries if announced_key(fields) == self.db_name), None)

    def _own_keys(self) -> list[str]:
        return [keys.to_text(keys.to_bytes(self.db_name) + suffix) for suffix in self.SUFFIXES]

    def replace_connection(self, connection: redis.Redis) -> None:
        """Ask by another client from now on."""
        self._connection = self.connection = connection
        self.info = NodeInfo(self.db_name, connection)

    def walk(self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]) -> Iterator[DataNode]:
        """Nodes below this one, level by level: those that are there, then new ones as they come."""
        from nexus_writer.data.walk import walk_nodes

        return walk_nodes(self, include_filter, **options)

    def walk_from_last(
        self, include_filter: NodeFilter = None, *, include_last: bool = True, **options: Unpack[WalkOptions]
    ) -> Iterator[DataNode]:
        """The latest node that fits, then new ones as they come."""
        from nexus_writer.data.walk import walk_from_last

        return walk_from_last(self, include_filter, include_last=include_last, **options)

    def walk_events(self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]) -> Walk:
        """What happened to the nodes below this one since ``first_index``, then what happens."""
        from nexus_writer.data.walk import Walk

        return Walk(self, include_filter, **options)

    def walk_on_new_events(self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]) -> Walk:
        """What happens to the nodes below this one from now on, by the clock of the server."""
        from nexus_writer.data.walk import Walk

        options["first_index"] = None
        return Walk(self, include_filter, **options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataNode) and other.db_name == self.db_name

    def __hash__(self) -> int:
        return hash(self.db_name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.db_name}>"
