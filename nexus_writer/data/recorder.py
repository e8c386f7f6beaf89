"""Records what a session writes to Redis, into a file that :mod:`.recording` replays.

The nodes above the scans are as they were at the start, so that a recording stands by itself. A scan that was
there by then is left out: its beginning is missing.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

import redis

from nexus_writer.data import keys
from nexus_writer.data.connection import server_time_ms
from nexus_writer.data.errors import DataError
from nexus_writer.data.replication import ReplicationStream

FLUSH_EVERY_S = 1.0
LOOK_EVERY_S = 0.2
_OF_A_NODE = re.compile(rb"_children_list|_info|_prepared|_end|_data|_data_ref|:.*|", re.DOTALL)
_OF_A_SESSION = re.compile(rb"_children_list|_info|:.*|", re.DOTALL)
_SCANS = (b"scan", b"scan_group")

Words = Sequence[bytes]


class NoPlaceForRecording(DataError):
    """The file cannot be made."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be written ({why}): record into another file")


class Recorder:
    """Writes the commands of one session. ``commands`` and ``scans`` are counted from the start of it.

    ``left_out`` are the scans that were there before. Raises NoPlaceForRecording, ReplicationRefused.
    """

    def __init__(self, client: redis.Redis, session: str, path: Path) -> None:
        self.commands = 0
        self.scans: list[str] = []
        self.left_out: list[str] = []
        self._session = session.encode()
        self._client = client
        self._database = int(client.connection_pool.connection_kwargs.get("db") or 0)
        self._ahead_s = server_time_ms(client) / 1000 - time.time()
        self._seq = 0
        self._transaction: list[Words] | None = None
        self._file = _created(path)
        try:
            self._stream = ReplicationStream(client)
            self._record_existing(session)
        except BaseException:
            self._file.close()
            path.unlink()
            raise
        self._file.flush()

    def run(self, ended: Callable[[], bool]) -> None:
        """Record until ``ended()`` is true, asked every ``LOOK_EVERY_S``, and all that came before is here.

        Raises redis.ConnectionError when the server is gone. What was recorded stays.
        """
        flush_at = time.monotonic() + FLUSH_EVERY_S
        last: int | None = None
        while last is None or self._stream.offset < last:
            if last is None and ended():
                last = int(self._client.info("replication")["master_repl_offset"])
            for database, command in self._stream.read(LOOK_EVERY_S):
                if database == self._database:
                    self._take(command)
            if time.monotonic() >= flush_at:
                self._file.flush()
                flush_at = time.monotonic() + FLUSH_EVERY_S

    def close(self) -> None:
        """End the file."""
        self._stream.close()
        self._file.close()

    def _take(self, command: Words) -> None:
        name = command[0].upper()
        if name == b"MULTI":
            self._transaction = []
        elif name == b"EXEC":
            together, self._transaction = self._transaction or [], None
            self._write([(b"MULTI",), *together, (b"EXEC",)] if together else [])
        elif self._is_ours(command):
            if self._transaction is None:
                self._write([command])
            else:
                self._transaction.append(command)

    def _is_ours(self, command: Words) -> bool:
        if len(command) < 2 or not self._is_of_session(command[1]):
            return False
        if any(self._is_of_scan(command, scan.encode()) for scan in self.left_out):
            return False
        if command[0].upper() == b"HSET" and b"node_type" in command:
            fields = dict(zip(command[2::2], command[3::2], strict=True))
            if fields.get(b"node_type") in _SCANS and command[1].decode() not in self.scans:
                self.scans.append(command[1].decode())
        return True

    def _is_of_session(self, key: bytes) -> bool:
        return key.startswith(self._session) and bool(_OF_A_SESSION.fullmatch(key[len(self._session) :]))

    @staticmethod
    def _is_of_scan(command: Words, scan: bytes) -> bool:
        key = command[1]
        return (key.startswith(scan) and bool(_OF_A_NODE.fullmatch(key[len(scan) :]))) or scan in command

    def _record_existing(self, node: str) -> None:
        """A node above the scans, and those below it."""
        found: Any = self._client.hgetall(node)
        if not found:
            return
        if found.get(b"node_type") in _SCANS:
            self.left_out.append(node)
            return
        own, children = node.encode(), keys.children_list(node)
        self._write([(b"HSET", own, *_flat(found))])
        info: Any = self._client.hgetall(keys.info(node))
        if info:
            self._write([(b"HSET", own + b"_info", *_flat(info))])
        below: Any = self._client.xrange(children)
        for child in dict.fromkeys(fields[b"db_name"].decode() for _, fields in below):
            self._record_existing(child)
            if child not in self.left_out:
                event = (b"__EVENT__", b"NEW_NODE", b"db_name", child.encode())
                self._write([(b"XADD", children, b"*", *event)])

    def _write(self, commands: Iterable[Words]) -> None:
        for command in commands:
            self._seq += 1
            self.commands += 1
            record = {
                "seq": self._seq,
                "t": round(time.time() + self._ahead_s, 6),
                "db": self._database,
                "args": [_as_json(word) for word in command],
            }
            self._file.write(json.dumps(record) + "\n")


def _created(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return gzip.open(path, "xt", encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
    raise NoPlaceForRecording(path, why)


def _flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [word for pair in fields.items() for word in pair]


def _as_json(word: bytes) -> str | dict[str, str]:
    try:
        text = word.decode()
    except UnicodeDecodeError:
        text = "\0"
    if text.isprintable():
        return text
    return {"b64": base64.b64encode(word).decode()}
