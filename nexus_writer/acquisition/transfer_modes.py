"""How chunks travel, by name: a sender and a receiver for each transfer mode."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from .errors import TransferModePlanned
from .sequence import Sequence

__all__ = [
    "Channel",
    "DataReceiver",
    "DataSender",
    "Source",
    "all_transfermodes",
    "checked_transfermode",
    "register_transfermode",
]

PLANNED = ("shared_cuda_buffer", "share_opencl_buffer", "shared_opencl_buffer")


class Channel(Protocol):
    """Where a sender puts its messages: a head, and maybe a body that follows it."""

    inline_bytes: int

    def send(self, head: bytes | memoryview, body: Any = None) -> None: ...


class Source(Protocol):
    """Where a receiver takes its messages from. ``before``: the head of what was sent before."""

    before: bytes

    def poll(self, timeout_ms: float | None) -> bool: ...

    def recv(self) -> tuple[Any, Any]: ...


class DataSender:
    """Sends chunks that were checked. ``index`` is that of the last sample + 1."""

    def __init__(self, socket: Channel, params: dict[str, Any]) -> None:
        self.socket = socket
        self.params = params
        self.sequence_number = 0
        self.epoch = 0

    def send(self, index: int, data: NDArray[Any]) -> None:
        raise NotImplementedError

    def reset_index(self) -> None:
        self.epoch += 1

    def close(self) -> None:
        """Let go of what the sender holds beside its socket."""


class DataReceiver:
    """Receives chunks; ``sequence`` knows what is missing between them."""

    default_return_data = True

    def __init__(self, socket: Source, params: dict[str, Any]) -> None:
        self.socket = socket
        self.params = params
        self.sequence = Sequence()
        self.sequence.follow(socket.before)

    def poll(self, timeout_ms: float | None) -> bool:
        """True when a chunk is there within the time; None waits."""
        return self.socket.poll(timeout_ms)

    def recv(self, return_data: bool, out: NDArray[Any] | None = None) -> tuple[int, NDArray[Any] | None]:
        """The samples are copied into ``out`` if there is one; None unless ``return_data``."""
        raise NotImplementedError

    def check_out(self, out: NDArray[Any] | None, count: int) -> None:
        """ValueError when ``out`` has not the shape of a chunk of ``count`` samples."""
        if out is not None and (len(out) != count or out.shape[1:] != tuple(self.params["shape"][1:])):
            shape = (count, *self.params["shape"][1:])
            raise ValueError(f"out has the shape {out.shape}, the chunk {shape}: give an array like it")

    def close(self) -> None:
        """Let go of what the receiver holds beside its socket."""


all_transfermodes: dict[str, tuple[type[DataSender], type[DataReceiver]]] = {}
_ALIASES = {"sharedarray": "sharedmem"}


def register_transfermode(name: str, sender: type[DataSender], receiver: type[DataReceiver]) -> None:
    """From now on streams may be configured with ``transfermode=name``, in this process."""
    all_transfermodes[name] = (sender, receiver)


def checked_transfermode(name: str) -> str:
    name = _ALIASES.get(name, name)
    if name in PLANNED:
        raise TransferModePlanned(name)
    if name not in all_transfermodes:
        raise ValueError(f"unknown transfer mode {name!r}: use one of {', '.join(sorted(all_transfermodes))}")
    return name
