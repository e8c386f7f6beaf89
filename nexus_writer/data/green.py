"""Connections to Redis on gevent's own sockets: a wait for Redis lets other greenlets run.

Nothing is monkey patched. redis-py and hiredis only need an object that behaves like a socket, and a
check for readable data that does not block the hub. redis-py wraps sockets of TLS by the standard library,
which would block the hub: so the context is made here, of gevent's class, from redis-py's options.
"""

from __future__ import annotations

import contextlib
from typing import Any

import gevent
import gevent.socket as green_socket
import gevent.ssl as green_ssl
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

create_connection = green_socket.create_connection


def _connected(sock: Any, address: Any, connect_timeout_s: float | None, timeout_s: float | None) -> Any:
    try:
        sock.settimeout(connect_timeout_s)
        sock.connect(address)
        sock.settimeout(timeout_s)
    except BaseException:
        sock.close()
        raise
    return sock


class _GreenWait:
    """Waits for data by the hub, where redis-py asks the operating system and blocks the thread."""

    _sock: Any
    sleep = staticmethod(gevent.sleep)

    def can_read(self, timeout: float = 0) -> bool:
        can_read: bool = super().can_read(0)  # type: ignore[misc]
        if can_read or timeout == 0:
            return can_read
        with contextlib.suppress(TimeoutError):
            green_socket.wait_read(self._sock.fileno(), timeout=timeout)
        return bool(super().can_read(0))  # type: ignore[misc]


class GreenConnection(_GreenWait, Connection):
    """TCP."""

    def _connect(self) -> Any:
        failure: OSError | None = None
        for family, kind, protocol, _, address in green_socket.getaddrinfo(
            self.host, self.port, self.socket_type, green_socket.SOCK_STREAM
        ):
            sock = green_socket.socket(family, kind, protocol)
            sock.setsockopt(green_socket.IPPROTO_TCP, green_socket.TCP_NODELAY, 1)
            if self.socket_keepalive:
                sock.setsockopt(green_socket.SOL_SOCKET, green_socket.SO_KEEPALIVE, 1)
                for option, value in self.socket_keepalive_options.items():
                    sock.setsockopt(green_socket.IPPROTO_TCP, option, value)
            try:
                return _connected(sock, address, self.socket_connect_timeout, self.socket_timeout)
            except OSError as error:
                failure = error
        raise failure or OSError(f"{self.host} has no address")


class GreenUnixConnection(_GreenWait, UnixDomainSocketConnection):
    """A unix socket."""

    def _connect(self) -> Any:
        sock = green_socket.socket(green_socket.AF_UNIX, green_socket.SOCK_STREAM)
        return _connected(sock, self.path, self.socket_connect_timeout, self.socket_timeout)


class GreenTlsConnection(GreenConnection, SSLConnection):
    """TLS over TCP. The server's certificate is verified, unless the URL says ``ssl_cert_reqs=none``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.ssl_validate_ocsp or self.ssl_validate_ocsp_stapled:
            raise TypeError("'ssl_validate_ocsp' is not for gevent's sockets")

    def _connect(self) -> Any:
        context = self._context()
        sock = super()._connect()
        try:
            sock.settimeout(self.socket_connect_timeout)
            sock = context.wrap_socket(sock, server_hostname=self.host)
            sock.settimeout(self.socket_timeout)
        except BaseException:
            sock.close()
            raise
        return sock

    def _context(self) -> Any:
        context = green_ssl.SSLContext(green_ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.check_hostname
        context.verify_mode = self.cert_reqs
        for flag in self.ssl_include_verify_flags or ():
            context.verify_flags |= flag
        for flag in self.ssl_exclude_verify_flags or ():
            context.verify_flags &= ~flag
        if self.certfile or self.keyfile:
            context.load_cert_chain(self.certfile, self.keyfile, self.certificate_password)
        context.load_default_certs()
        if self.ca_certs or self.ca_path or self.ca_data:
            context.load_verify_locations(self.ca_certs, self.ca_path, self.ca_data)
        if self.ssl_min_version is not None:
            context.minimum_version = self.ssl_min_version
        if self.ssl_ciphers:
            context.set_ciphers(self.ssl_ciphers)
        return context


GREEN_CLASSES: dict[type, type] = {
    Connection: GreenConnection,
    SSLConnection: GreenTlsConnection,
    UnixDomainSocketConnection: GreenUnixConnection,
}
"""redis-py's connection classes and those that stand in for them."""
