"""What a scan is: typed, without Redis, HDF5 or Tango."""

from .block import Block, uncommitted
from .channel import ChannelDescription

__all__ = ["Block", "ChannelDescription", "uncommitted"]
