"""Streams become scans in Redis, as BLISS publishes them: ``RedisPublisher`` is the node that does it.

Importing this package registers it by name.
"""

from ..nodes import register_node_type
from .errors import PublishingFailed, StreamWentBack, UnfitStream
from .redis_publisher import RedisPublisher
from .running_scan import End, Pace, Reason
from .stream_channels import StreamChannels
from .stream_scan import StreamScan

__all__ = [
    "End",
    "Pace",
    "PublishingFailed",
    "Reason",
    "RedisPublisher",
    "StreamChannels",
    "StreamScan",
    "StreamWentBack",
    "UnfitStream",
]

register_node_type(RedisPublisher)
