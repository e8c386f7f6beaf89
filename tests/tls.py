"""TLS in front of a server that does not speak it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

FILES = Path(__file__).parent / "data" / "tls"
AUTHORITY = FILES / "ca.pem"
STRANGER = FILES / "stranger.pem"
CLIENT = FILES / "client.pem"


@contextlib.contextmanager
def tls_in_front_of(port: int, certificate: str = "server", *, ask_client: bool = False) -> Iterator[int]:
    """The port of a proxy on 127.0.0.1; with ``ask_client`` it wants a certificate of our authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FILES / f"{certificate}.pem")
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(AUTHORITY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        acceptor = threading.Thread(target=_accept, args=(server, context, port))
        acceptor.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            acceptor.join()


def _accept(server: socket.socket, context: ssl.SSLContext, port: int) -> None:
    served = []
    with contextlib.suppress(OSError):
        while True:
            client, _ = server.accept()
            served.append(threading.Thread(target=_serve, args=(client, context, port)))
            served[-1].start()
    for thread in served:
        thread.join()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One connection, until either side ends it; in one thread, as an object of TLS wants it."""
    with (
        client,
        contextlib.suppress(OSError),
        context.wrap_socket(client, server_side=True) as secret,
        socket.create_connection(("127.0.0.1", port)) as plain,
    ):
        while _move(secret, plain):
            pass


def _move(secret: ssl.SSLSocket, plain: socket.socket) -> bool:
    """What one side sent to the other; False when it has ended."""
    ready = [secret] if secret.pending() else select.select([secret, plain], [], [])[0]
    for side, other in ((secret, plain), (plain, secret)):
        if side in ready:
            if not (data := side.recv(65536)):
                return False
            other.sendall(data)
    return True
