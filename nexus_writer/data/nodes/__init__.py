"""What a session has in Redis: containers, datasets, scans, devices and channels."""

from .channel import ChannelDataNode
from .container import DataNodeContainer
from .dataset import DatasetCollectionNode, DatasetNode, ProposalNode
from .factory import get_node, get_nodes, get_session_node, make_node
from .lima import LimaImageChannelDataNode
from .lima_view import LimaDataView
from .node import DataNode, NodeState
from .node_ref import NodeRefChannelNode
from .scan import ScanGroupNode, ScanNode

__all__ = [
    "ChannelDataNode",
    "DataNode",
    "DataNodeContainer",
    "DatasetCollectionNode",
    "DatasetNode",
    "LimaDataView",
    "LimaImageChannelDataNode",
    "NodeRefChannelNode",
    "NodeState",
    "ProposalNode",
    "ScanGroupNode",
    "ScanNode",
    "get_node",
    "get_nodes",
    "get_session_node",
    "make_node",
]
