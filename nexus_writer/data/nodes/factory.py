"""From a key to the node of the right class."""

from __future__ import annotations

import redis

from nexus_writer.data import keys
from nexus_writer.data.errors import NotAClient
from nexus_writer.data.info import NodeRecord

from .channel import ChannelDataNode
from .container import DataNodeContainer
from .dataset import DatasetCollectionNode, DatasetNode, ProposalNode
from .lima import LimaImageChannelDataNode
from .node import DataNode, NodeState
from .node_ref import NodeRefChannelNode
from .scan import ScanGroupNode, ScanNode

CLASSES: dict[str, type[DataNode]] = {
    "scan": ScanNode,
    "scan_group": ScanGroupNode,
    "proposal": ProposalNode,
    "dataset_collection": DatasetCollectionNode,
    "dataset": DatasetNode,
    "channel": ChannelDataNode,
    "lima": LimaImageChannelDataNode,
    "node_ref_channel": NodeRefChannelNode,
}
"""Node types with a class of their own; all others are containers."""


def make_node(record: NodeRecord, connection: redis.Redis) -> DataNode:
    """The node that a record describes; asks nothing of Redis."""
    return CLASSES.get(record.node_type, DataNodeContainer)(record.key, connection, record=record)


def get_session_node(name: str, connection: redis.Redis | None = None) -> DataNodeContainer:
    """The session, also when it does not exist (yet): its type is None then, and it can be walked."""
    return DataNodeContainer(name, connection)


def get_node(
    name: str, connection: redis.Redis | None = None, state: NodeState | str = NodeState.SUPPORTED
) -> DataNode | None:
    """The node with the key ``name``; None when it is not (yet) in ``state``."""
    return get_nodes(name, connection=connection, state=state)[0]


def get_nodes(
    *names: str, connection: redis.Redis | None = None, state: NodeState | str = NodeState.SUPPORTED
) -> list[DataNode | None]:
    """Several nodes by one round trip, each as ``get_node`` gives it."""
    if not names:
        return []
    if connection is None:
        from nexus_writer.data.connection import connect

        connection = connect()
    NotAClient.check(connection)
    with connection.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hgetall(keys.to_bytes(name))
        replies = pipeline.execute()
    wanted = NodeState(state)
    nodes: list[DataNode | None] = []
    for name, fields in zip(names, replies, strict=True):
        record = NodeRecord.from_fields(name, fields) if fields else None
        nodes.append(make_node(record, connection) if record is not None and _is_in(record, wanted) else None)
    return nodes


def _is_in(record: NodeRecord, state: NodeState) -> bool:
    if state is NodeState.SUPPORTED:
        return record.supported
    return state is NodeState.EXISTS or record.initialized
