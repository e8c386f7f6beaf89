"""The sending end of a stream."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dtypes import make_dtype
from .errors import ChunkRefused, IndexGoesBack, StreamError
from .local_channel import LocalPublisher
from .stream_params import complete
from .transfer_modes import DataSender, all_transfermodes
from .udp_channel import UdpPublisher
from .zmq_channel import ZmqPublisher

__all__ = ["OutputStream"]


class OutputStream:
    """Sends chunks of samples to any number of inputs. ``configure`` may not change what ``spec`` holds.

    ``params`` is all that an input needs to connect, in any process; it goes through JSON.
    """

    def __init__(self, spec: dict[str, Any] | None = None, node: Any = None, name: str | None = None) -> None:
        self.spec = dict(spec or {})
        self.node = weakref.ref(node) if node is not None else None
        self.name = name
        self.params: dict[str, Any] = {}
        self.last_index = 0
        self.sender: DataSender | None = None
        self._channel: ZmqPublisher | UdpPublisher | LocalPublisher | None = None

    @property
    def configured(self) -> bool:
        return self.sender is not None

    def configure(self, **kargs: Any) -> None:
        """Open the stream; a second call opens it anew. An error leaves it closed, with nothing open."""
        params = complete(self.spec, kargs)
        self.close()
        sender_class = all_transfermodes[params["transfermode"]][0]
        channel = _channel(params)
        params |= {"url": channel.url, "port": channel.port, "addr": channel.url}
        try:
            self.sender = sender_class(channel, params)
        except BaseException:
            channel.close()
            raise
        self._channel, self.params, self.last_index = channel, params, 0
        self._dtype, self._shape = make_dtype(params["dtype"]), params["shape"]
        self._sample_shape = tuple(self._shape[1:])
        self._is_scaled = params["scale"] is not None or params["offset"] is not None
        node = self.node() if self.node else None
        if node is not None:
            node.after_output_configure(self.name)

    def send(self, data: NDArray[Any] | bytes, index: int | None = None) -> None:
        """Send a chunk; ``index`` is that of its last sample + 1, by default right behind the chunk before.

        ChunkRefused, IndexGoesBack or SendBlocked: nothing was sent, and ``last_index`` is as it was.
        """
        if self.sender is None:
            raise StreamError(f"{self._called()} is not open: call configure() first")
        chunk = self._checked(data)
        start = self.last_index if index is None else int(index) - len(chunk)
        if start < self.last_index:
            raise IndexGoesBack(start, self.last_index)
        self.sender.send(start + len(chunk), chunk)
        self.last_index = start + len(chunk)

    def reset_buffer_index(self) -> None:
        """The next sample is number 0 again; inputs follow by themselves."""
        if self.sender is None:
            raise StreamError(f"{self._called()} is not open: call configure() first")
        self.last_index = 0
        self.sender.reset_index()

    def close(self) -> None:
        """What was sent has a second to go out. A second close does nothing."""
        if self.sender is not None and self._channel is not None:
            self._channel.close()
            self.sender.close()
        self.sender = self._channel = None

    def _called(self) -> str:
        return f"output {self.name}" if self.name else "an output"

    def _checked(self, data: NDArray[Any] | bytes) -> NDArray[Any]:
        if not isinstance(data, np.ndarray):
            data = self._from_bytes(data)
        shape = data.shape
        if not shape or shape[1:] != self._sample_shape or self._shape[0] not in (-1, shape[0]):
            raise ChunkRefused(f"a chunk of shape {shape} into a stream of shape {self._shape}")
        if self._is_scaled:
            data = self._scaled(data)
        if data.dtype is not self._dtype and data.dtype != self._dtype:
            raise ChunkRefused(f"a chunk of {data.dtype} into a stream of {self._dtype}: convert it first")
        return data

    def _from_bytes(self, data: Any) -> NDArray[Any]:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ChunkRefused(f"a stream sends arrays or bytes, not {type(data).__name__}")
        try:
            return np.frombuffer(data, self._dtype).reshape(-1, *self._shape[1:])
        except ValueError:
            raise ChunkRefused(f"{len(data)} bytes are no whole samples of this stream") from None

    def _scaled(self, data: NDArray[Any]) -> NDArray[Any]:
        """offset + scale * data. Integers are taken too: they are what detectors count."""
        if data.dtype.kind not in "iu" and data.dtype != self._dtype:
            raise ChunkRefused(
                f"a chunk of {data.dtype} into a scaled stream of {self._dtype}: convert it first"
            )
        scale, offset = self.params["scale"], self.params["offset"]
        made = data * np.float64(1 if scale is None else scale) + np.float64(0 if offset is None else offset)
        return np.asarray(made).astype(self._dtype)


def _channel(params: dict[str, Any]) -> ZmqPublisher | UdpPublisher | LocalPublisher:
    if params["transfermode"] == "sharedmem":
        return LocalPublisher(params)
    return UdpPublisher(params) if params["protocol"] == "udp" else ZmqPublisher(params)
