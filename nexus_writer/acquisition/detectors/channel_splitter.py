"""Some channels of a stream, each group as a stream of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..output_stream import OutputStream
from .pipe_node import PipeNode

__all__ = ["ChannelSplitter"]


class ChannelSplitter(PipeNode):
    """Outputs as ``output_channels`` names them: {"left": [0, 1], "right": [5]}.

    Channels are the second axis of the input; a channel may be in several outputs.
    """

    def _configure(self, *, output_channels: Mapping[str, Sequence[int]]) -> None:
        for output in self.outputs.values():
            output.close()
        self._channels = {name: list(channels) for name, channels in output_channels.items()}
        for name, channels in self._channels.items():
            if not channels or min(channels) < 0:
                raise ValueError(f"channels {channels} of output {name}: give one or more, from 0 on")
        self.outputs = {name: OutputStream(None, self, name) for name in self._channels}
        if self.input.connected:
            self.after_input_connect("in")

    def after_input_connect(self, name: str) -> None:
        """ValueError when the input has not all of the channels."""
        shape = self.input.params["shape"]
        count = shape[1] if len(shape) > 1 else 0
        inherited = self._described()
        for output, channels in self._channels.items():
            if max(channels) >= count:
                raise ValueError(f"output {output} takes channel {max(channels)}, the input has {count}")
            spec = {"shape": (-1, len(channels), *shape[2:]), "dtype": self.input.params["dtype"]}
            info = inherited.get("channel_info")
            more = {} if info is None else {"channel_info": [info[n] for n in channels]}
            self.outputs[output].spec = {**inherited, **spec, **more}

    def _run(self) -> None:
        for index, data in self._incoming():
            for name, channels in self._channels.items():
                self._forward(self.outputs[name], np.take(data, channels, axis=1), index)
