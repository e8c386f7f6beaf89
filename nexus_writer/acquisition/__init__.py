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
    Node,
    NodeState,
    NodeStateError,
    NodeStuck,
    NodeTypeTaken,
    ThreadedNode,
    UnknownNodeType,
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
    "ChunkRefused",
    "DataReceiver",
    "DataSender",
    "IndexGoesBack",
    "InputStream",
    "Node",
    "NodeState",
    "NodeStateError",
    "NodeStuck",
    "NodeTypeTaken",
    "OutputStream",
    "OverrunError",
    "PlainDataReceiver",
    "PlainDataSender",
    "RingBuffer",
    "SendBlocked",
    "SharedArray",
    "SharedMem",
    "SharedMemReceiver",
    "SharedMemSender",
    "SpecMismatch",
    "StreamError",
    "ThreadedNode",
    "TransferModePlanned",
    "UnknownNodeType",
    "all_transfermodes",
    "compression_methods",
    "register_node_type",
    "register_node_type_from_module",
    "register_transfermode",
]
