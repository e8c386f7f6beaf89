"""What detectors send: streams between threads, processes and hosts, and buffers of their latest samples.

Loss is never silent: messages carry numbers, inputs count what is missing, and no chunk is given out that is
not whole.
"""

from .compression import compression_methods
from .errors import (
    AcquisitionError,
    BufferClosed,
    ChunkRefused,
    IndexGoesBack,
    OverrunError,
    SendBlocked,
    SpecMismatch,
    StreamError,
    TransferModePlanned,
)
from .input_stream import InputStream
from .nodes import (
    CallTimeout,
    Host,
    HostProxy,
    LocalHost,
    LogServer,
    Manager,
    ManagerClosed,
    ManagerProxy,
    NameTaken,
    Node,
    NodeGroup,
    NodeGroupDied,
    NodeGroupProxy,
    NodeProxy,
    NodeState,
    NodeStateError,
    NodeStuck,
    NodeTypeTaken,
    QtMissing,
    StreamProxy,
    ThreadedNode,
    UnknownHost,
    UnknownNodeType,
    create_manager,
    register_host_type,
    register_node_type,
    register_node_type_from_module,
)
from .output_stream import OutputStream
from .plain_data import PlainDataReceiver, PlainDataSender
from .ring_buffer import RingBuffer
from .shared_mem import SharedArray, SharedMem
from .shared_ring import SharedMemReceiver, SharedMemSender
from .transfer_modes import DataReceiver, DataSender, all_transfermodes, register_transfermode

__all__ = [
    "AcquisitionError",
    "BufferClosed",
    "CallTimeout",
    "ChunkRefused",
    "DataReceiver",
    "DataSender",
    "Host",
    "HostProxy",
    "IndexGoesBack",
    "InputStream",
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
    "OutputStream",
    "OverrunError",
    "PlainDataReceiver",
    "PlainDataSender",
    "QtMissing",
    "RingBuffer",
    "SendBlocked",
    "SharedArray",
    "SharedMem",
    "SharedMemReceiver",
    "SharedMemSender",
    "SpecMismatch",
    "StreamError",
    "StreamProxy",
    "ThreadedNode",
    "TransferModePlanned",
    "UnknownHost",
    "UnknownNodeType",
    "all_transfermodes",
    "compression_methods",
    "create_manager",
    "register_host_type",
    "register_node_type",
    "register_node_type_from_module",
    "register_transfermode",
]
