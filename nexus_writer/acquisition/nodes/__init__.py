"""Nodes make, change and take streams; groups of them run in processes of their own."""

from .create_manager import create_manager
from .errors import (
    CallTimeout,
    ManagerClosed,
    NameTaken,
    NodeGroupDied,
    NodeStateError,
    NodeStuck,
    NodeTypeTaken,
    QtMissing,
    UnknownHost,
    UnknownNodeType,
)
from .group_link import GroupLink
from .group_requests import GroupRequests
from .host import Host, register_host_type
from .local_host import LocalHost
from .log_server import LogServer
from .manager import Manager
from .manager_proxy import HostProxy, ManagerProxy
from .node import Node
from .node_group import NodeGroup
from .proxies import NodeGroupProxy, NodeProxy, StreamProxy
from .registry import register_node_type, register_node_type_from_module
from .states import NodeState
from .threaded_node import ThreadedNode

__all__ = [
    "CallTimeout",
    "GroupLink",
    "GroupRequests",
    "Host",
    "HostProxy",
    "LocalHost",
    "LogServer",
    "Manager",
    "ManagerClosed",
    "ManagerProxy",
    "NameTaken",
    "Node",
    "NodeGroup",
    "NodeGroupDied",
    "NodeGroupProxy",
    "NodeProxy",
    "NodeState",
    "NodeStateError",
    "NodeStuck",
    "NodeTypeTaken",
    "QtMissing",
    "StreamProxy",
    "ThreadedNode",
    "UnknownHost",
    "UnknownNodeType",
    "create_manager",
    "register_host_type",
    "register_node_type",
    "register_node_type_from_module",
]
