"""Nodes make, change and take streams; groups of them run in processes of their own."""

from .errors import NodeStateError, NodeStuck, NodeTypeTaken, UnknownNodeType
from .node import Node
from .registry import all_nodes, register_node_type, register_node_type_from_module
from .states import NodeState
from .threaded_node import ThreadedNode

__all__ = [
    "Node",
    "NodeState",
    "NodeStateError",
    "NodeStuck",
    "NodeTypeTaken",
    "ThreadedNode",
    "UnknownNodeType",
    "all_nodes",
    "register_node_type",
    "register_node_type_from_module",
]
