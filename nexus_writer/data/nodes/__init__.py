"""What a session has in Redis: containers, datasets, scans, devices and channels."""

from .channel import ChannelDataNode
from .container import DataNodeContainer
from .creating import create_node, datanode_factory, get_or_create_node
from .dataset import DatasetCollectionNode, DatasetNode, ProposalNode
from .factory import get_node, get_nodes, get_session_node, make_node
from .filtering import filter_node_names, get_filtered_nodes
from .lima import LimaImageChannelDataNode
from .lima_view import LimaDataView
from .node import DataNode, NodeState
from .node_ref import NodeRefChannelNode
from .scan import ScanGroupNode, ScanNode, get_data_from_nodes

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
    "create_node",
    "datanode_factory",
    "filter_node_names",
    "get_data_from_nodes",
    "get_filtered_nodes",
    "get_node",
    "get_nodes",
    "get_or_create_node",
    "get_session_node",
    "make_node",
]
