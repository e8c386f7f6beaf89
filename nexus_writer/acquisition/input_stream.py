"""The receiving end of a stream."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .errors import OverrunError, StreamError
from .latest import Latest
from .local_channel import LocalSubscriber
from .output_stream import OutputStream
from .ring_buffer import RingBuffer
from .shared_ring import SharedMemReceiver
from .stream_params import COMPARED, check_against
from .transfer_modes import DataReceiver, all_transfermodes
from .udp_channel import UdpSubscriber
from .zmq_channel import ZmqSubscriber

__all__ = ["InputStream"]


class InputStream:
    """Receives what one output sends after ``connect`` has returned. ``spec`` is what the output must be.

    One thread uses it at a time.
    """

    def __init__(self, spec: dict[str, Any] | None = None, node: Any = None, name: str | None = None) -> None:
        self.spec = dict(spec or {})
        self.node = weakref.ref(node) if node is not None else None
        self.name = name
        self.params: dict[str, Any] = {}
        self.receiver: DataReceiver | None = None
        self._source: ZmqSubscriber | UdpSubscriber | LocalSubscriber | Latest | None = None
        self._own_buffer: RingBuffer | None = None

    @property
    def connected(self) -> bool:
        return self.receiver is not None

    @property
    def lost(self) -> int:
        """Samples that were sent since the connection and did not come."""
        return self.receiver.sequence.lost if self.receiver else 0

    @property
    def lost_chunks(self) -> int:
        """Chunks that were sent since the connection and did not come."""
        return self.receiver.sequence.lost_chunks if self.receiver else 0

    def connect(self, output: OutputStream | Mapping[str, Any] | Any) -> None:
        """Connect to an OutputStream, a proxy of it, or its ``params``. The subscription is live then.

        SpecMismatch (a ValueError): the output is not what ``spec`` asks for. StreamError when none answers.
        """
        if self.receiver is not None:
            raise StreamError(f"input {self.name or ''} is connected already: close it first")
        params = dict(_params_of(output))
        check_against(self.spec, params)
        params |= {key: value for key, value in self.spec.items() if key not in COMPARED}
        receiver_class = all_transfermodes[params["transfermode"]][1]
        source = _source(params)
        try:
            self.receiver = receiver_class(source, params)
        except BaseException:
            source.close()
            raise
        self._source, self.params = source, params
        node = self.node() if self.node else None
        if node is not None:
            node.after_input_connect(self.name)

    def poll(self, timeout: float | None = None) -> bool:
        """True when a chunk is there within ``timeout`` ms; None waits."""
        return self._receiver().poll(timeout)

    def recv(
        self,
        return_data: bool | None = None,
        with_data: bool | None = None,
        out: NDArray[Any] | None = None,
    ) -> tuple[int, NDArray[Any] | None]:
        """Wait for the next chunk: the index of its last sample + 1, and its samples.

        The samples are None with shared memory, unless ``return_data`` (or ``with_data``) asks for a copy.
        ``out``: an array of the chunk's shape and dtype that takes the samples, and is returned.
        OverrunError: the ring of shared memory went round; the next call goes on with what is newest.
        StreamError: its sender has ended, and there is no more.
        """
        receiver = self._receiver()
        wanted = with_data if return_data is None else return_data
        if wanted is None:
            wanted = out is not None or receiver.default_return_data
        epoch = receiver.sequence.epoch
        index, data = receiver.recv(wanted or self._own_buffer is not None, out)
        if self._own_buffer is not None and data is not None:
            if epoch != receiver.sequence.epoch:
                self._own_buffer.reset_index()
            self._own_buffer.new_chunk(data, index)
        return index, data if wanted else None

    def empty_queue(self) -> None:
        """Forget the chunks that wait. They are not counted as lost, unless a ring went round before."""
        while self.poll(0):
            with contextlib.suppress(OverrunError):
                self._receiver().recv(False)

    def set_buffer(
        self,
        size: int,
        double: bool = True,
        axisorder: tuple[int, ...] | None = None,
        shmem: bool | None = None,
        fill: Any = None,
    ) -> None:
        """Keep the last ``size`` samples at least. A buffer that is there and will do is kept."""
        present = self._buffer()
        order = None if axisorder is None else tuple(axisorder)
        if (
            present
            and present.size >= size
            and present.double == double
            and order in (None, present.axisorder)
        ):
            return
        shape = (size, *self.params["shape"][1:])
        made = RingBuffer(shape, self.params["dtype"], double, shmem, fill, order)
        if self._own_buffer is not None:
            self._own_buffer.close()
        self._own_buffer = made

    def get_data(self, *args: Any, **kargs: Any) -> Any:
        """A segment of the buffer: see ``RingBuffer.get_data``. TypeError without a buffer."""
        return self._needed_buffer().get_data(*args, **kargs)

    def __getitem__(self, item: Any) -> Any:
        return self._needed_buffer()[item]

    def reset_buffer_index(self) -> None:
        """The next sample of an own buffer is number 0 again."""
        if self._own_buffer is not None:
            self._own_buffer.reset_index()

    def close(self) -> None:
        """Nothing is received any more. A second close does nothing."""
        if self.receiver is not None and self._source is not None:
            self._source.close()
            self.receiver.close()
        if self._own_buffer is not None:
            self._own_buffer.close()
        self.receiver = self._source = self._own_buffer = None

    def _receiver(self) -> DataReceiver:
        if self.receiver is None:
            called = f"input {self.name}" if self.name else "an input"
            raise StreamError(f"{called} is not connected: call connect(output) first")
        return self.receiver

    def _buffer(self) -> RingBuffer | None:
        receiver = self._receiver()
        if self._own_buffer is None and isinstance(receiver, SharedMemReceiver):
            return receiver.ring
        return self._own_buffer

    def _needed_buffer(self) -> RingBuffer:
        buffer = self._buffer()
        if buffer is None:
            raise TypeError("no ring buffer is configured for this input: call set_buffer(size) first")
        return buffer


def _params_of(output: Any) -> Mapping[str, Any]:
    params = output if isinstance(output, Mapping) else getattr(output, "params", None)
    if not isinstance(params, Mapping):
        raise TypeError(f"an input connects to an OutputStream or its params, not to {type(output).__name__}")
    if "url" not in params:
        raise StreamError("the output is not open: call its configure() first")
    return params


def _source(params: dict[str, Any]) -> ZmqSubscriber | UdpSubscriber | LocalSubscriber | Latest:
    if params["transfermode"] == "sharedmem":
        return LocalSubscriber(params)
    if params["protocol"] == "udp":
        return UdpSubscriber(params)
    source = ZmqSubscriber(params)
    if params["policy"] == "drop_oldest":
        return Latest(source, int(params["queue_chunks"]))
    return source
