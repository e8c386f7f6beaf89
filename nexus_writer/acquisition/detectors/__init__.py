"""Detectors, motors and triggers without hardware, and nodes that change, split, cut and record streams.

    motor = Motor("sx")
    motor.configure(start=0.0, stop=2.0, points=101, rate_hz=50.0, npoints=101)
    motor.output.configure()                  # protocol, transfermode ... what a point is, the node knows
    motor.initialize()
    ...                                       # consumers connect to motor.output
    motor.start()
    motor.wait()                              # all 101 points are sent
    motor.stop()

The index of a stream is the number of the point: the one of a chunk is that of its last point + 1. The
second axis of a stream is its channels, named by the parameter ``channel_info``: [{"name": ..., "units":
...}, ...]; a camera has none, its stream is of images (``streamtype`` 'image/video') or, with the parameter
``saving``, of references to them. Importing this package registers its nodes by name.
"""

from ..nodes import register_node_type
from .camera import CameraDetector
from .channel_splitter import ChannelSplitter
from .chunk_resizer import ChunkResizer
from .counter import CounterDetector
from .detector import Detector
from .motor import Motor
from .raw_reader import RawReader
from .raw_recorder import RawRecorder
from .simulated_detector import SimulatedDetector
from .spectrum import SpectrumDetector
from .stream_converter import StreamConverter
from .trajectory import TRAJECTORIES, Trajectory
from .trigger import TriggerNode

__all__ = [
    "TRAJECTORIES",
    "CameraDetector",
    "ChannelSplitter",
    "ChunkResizer",
    "CounterDetector",
    "Detector",
    "Motor",
    "RawReader",
    "RawRecorder",
    "SimulatedDetector",
    "SpectrumDetector",
    "StreamConverter",
    "Trajectory",
    "TriggerNode",
]

for _node_type in (
    CameraDetector,
    ChannelSplitter,
    ChunkResizer,
    CounterDetector,
    Motor,
    RawRecorder,
    SpectrumDetector,
    StreamConverter,
    TriggerNode,
):
    register_node_type(_node_type)
