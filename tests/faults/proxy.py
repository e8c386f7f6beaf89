"""A network that fails, in front of a server on this host."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

PIECE = 1000
"""Bytes moved at once: replies are cut anywhere."""
RESET = struct.pack("ii", 1, 0)


class _Connection:
    """A client's connection and ours to the server, with a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._sockets = (client, server)
        self.deaf = False
        self.bytes_left: int | None = None
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._move, args=(source, target), daemon=True).start()

    def reset(self) -> None:
        """Both sides learn at once that it is over."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _move(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                self._proxy.flowing.wait()
                if self.deaf:
                    continue
                if self.bytes_left is not None:
                    data = data[: self.bytes_left]
                    self.bytes_left -= len(data)
                target.sendall(data)
                if self.bytes_left == 0:
                    break
        if not self.deaf:
            self.reset()


class Proxy:
    """On 127.0.0.1:``port``. A context manager; what is under way is reset at its end."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.flowing = threading.Event()
        self.flowing.set()
        self._connections: list[_Connection] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        self.flowing.set()
        self.reset()

    def reset(self) -> None:
        """All connections that there are."""
        for connection in self._connections:
            connection.reset()
        self._connections.clear()

    def reset_after(self, size_bytes: int) -> None:
        """Each connection, when so many bytes more went over it: in the middle of something."""
        for connection in self._connections:
            connection.bytes_left = size_bytes

    def fall_silent(self) -> None:
        """All connections stay open, and nothing comes over them any more; new ones work."""
        for connection in self._connections:
            connection.deaf = True

    def stall(self) -> None:
        """Nothing moves until ``go_on``; nothing is lost."""
        self.flowing.clear()

    def go_on(self) -> None:
        self.flowing.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    client.close()
                    continue
                self._connections.append(_Connection(self, client, server))
