"""Log records of all processes of a program, in one place.

Each process sends its records to a socket of the program that made it, whose loggers then handle them as if
they were its own. A record is one datagram of JSON: nothing of it can run code. The kernel tells whose it is;
what other users send is dropped, and so is what is no record.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import struct
import threading
import traceback
from typing import Any

__all__ = ["LogHandler", "LogServer"]

SCHEME = "unix:@"
LARGEST_TEXT = 20_000
LARGEST_DATAGRAM_BYTES = 200_000
SEND_TIMEOUT_S = 1.0
_CREDENTIALS = struct.Struct("3i")
_TEXTS = ("name", "msg", "levelname", "processName", "threadName", "exc_text")
_PLACES = ("pathname", "filename", "module", "funcName")
_NUMBERS = ("levelno", "process", "lineno")


class LogServer:
    """Handles the records that come to ``address``, in a thread, until ``close``."""

    def __init__(self) -> None:
        name = f"nexus_acquisition_log_{secrets.token_hex(12)}"
        self.address = SCHEME + name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{name}")
        self._thread = threading.Thread(target=self._serve, name="log server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Handle what has come, and end. A second close does nothing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, ancillary, _, _ = self._socket.recvmsg(
                LARGEST_DATAGRAM_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size)
            )
            if not ancillary:
                return
            _, user, _ = _CREDENTIALS.unpack(ancillary[0][2])
            record = _record(data) if user == os.getuid() else None
            if record is not None:
                _handle(record)


class LogHandler(logging.Handler):
    """Sends records to a LogServer of this host. One that takes nothing for a second loses the record."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(SEND_TIMEOUT_S)
        self._address = f"\0{address.removeprefix(SCHEME)}"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = json.dumps(_fields(record)).encode()
        except Exception:
            self.handleError(record)
            return
        with contextlib.suppress(OSError):
            self._socket.sendto(data, self._address)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _handle(record: logging.LogRecord) -> None:
    """A handler that fails is told of on stderr: the records behind this one have to be read."""
    logger = logging.getLogger(record.name)
    try:
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
    except Exception:
        traceback.print_exc()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    fields = {key: getattr(record, key) for key in (*_TEXTS, *_PLACES, *_NUMBERS, "created")}
    fields["msg"] = record.getMessage()[:LARGEST_TEXT]
    fields["exc_text"] = (record.exc_text or "")[-LARGEST_TEXT:]
    return fields


def _record(data: bytes) -> logging.LogRecord | None:
    try:
        fields: dict[str, Any] = json.loads(data)
        texts = {key: str(fields[key]) for key in (*_TEXTS, *_PLACES)}
        whole = {key: int(fields[key]) for key in _NUMBERS}
        created_s = float(fields["created"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return logging.makeLogRecord({**texts, **whole, "created": created_s, "args": ()})
