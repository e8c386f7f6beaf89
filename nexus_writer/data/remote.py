"""Walks for programs that need no gevent, and want no walk in their way.

A walk runs in a fresh process of its own (spawned: whatever threads, loops or patches the caller has do not
matter), and its events come by a pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, Self, TypeVar, Unpack
from urllib.parse import urlsplit

from nexus_writer.data.beacon import DATA_DB
from nexus_writer.data.connection import check_redis_url, connect, redis_url
from nexus_writer.data.remote_backend import Kind, WalkProcess
from nexus_writer.data.remote_content import (
    Batch,
    Failed,
    NodeContent,
    RemoteEvent,
    Started,
    WalkEnded,
)
from nexus_writer.data.stream_id import from_now_on
from nexus_writer.data.walk_filter import NodeFilter, check_filter
from nexus_writer.data.walk_options import Settable, WalkOptions, check_options
from nexus_writer.process import BackendDied

__all__ = ["NodeContent", "RemoteEvent", "RemoteNodeWalker", "RemoteWalk"]

T = TypeVar("T")

_STAY_HERE = {
    "stop_handler": "call close() or stop()",
    "active_streams": "go on with another walk by its first_index",
}
_MAIN = b"__main__"
_IN_A_MODULE = "give node types, or a function that stands in a module of its own"


class RemoteWalk(Iterator[T], AsyncIterator[T], Generic[T]):
    """What a walk in another process tells, by ``for`` or by ``async for``.

    Raises what the walk raises; after a redis.ConnectionError, iterating further goes on where it was. Raises
    BackendDied when the process was killed. Leaving the loop early: ``close``, or a ``with`` around it.
    """

    def __init__(self, process: WalkProcess, started_event: Settable | None, *, nodes_only: bool) -> None:
        self._process = process
        self._started_event = started_event
        self._nodes_only = nodes_only
        self._nodes: dict[int, NodeContent] = {}
        self._ready: deque[Any] = deque()
        self._over = False
        self._is_asked = True
        process.ignoreSIGINT()
        process.start()
        process.ask()

    def __next__(self) -> T:
        while not self._ready and not self._over:
            self._ask()
            self._receive()
        if not self._ready:
            raise StopIteration
        event: T = self._ready.popleft()
        return event

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._ready and not self._over:
            self._ask()
            await _readable(self._process.getPipe().fileno())
            self._receive()
        if not self._ready:
            raise StopAsyncIteration
        event: T = self._ready.popleft()
        return event

    def close(self) -> None:
        """End it, from any thread: an iteration that waits ends too."""
        self._over = True
        self._ready.clear()
        self._process.stop(timeout=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _ask(self) -> None:
        """Once more, after a failure."""
        if not self._is_asked:
            self._is_asked = True
            self._process.ask()

    def _receive(self) -> None:
        try:
            answer = self._process.getPipe().recv()
            if isinstance(answer, Batch):
                self._process.ask_more()
        except (BackendDied, OSError):
            if self._over:
                return
            self.close()
            raise
        self._take(answer)

    def _take(self, answer: Any) -> None:
        match answer:
            case Batch():
                self._nodes.update(answer.nodes)
                for kind, number, data in answer.events:
                    node = self._nodes[number]
                    self._ready.append(node if self._nodes_only else RemoteEvent(kind, node, data))
            case Failed():
                self._process.failures = answer.failures
                self._is_asked = False
                raise answer.error
            case Started() if self._started_event is not None:
                self._started_event.set()
            case WalkEnded():
                self._over = True
                self._process.stop(timeout=1)


class RemoteNodeWalker:
    """Walks below the node ``db_name``, in the Redis that Beacon names, or that ``redis_url`` is.

    Without both, the environment says where Redis is, as for ``connect``. Options are those of the walks of
    a node; functions among them are called in the other process, so they have to be importable there; a
    ``stop_handler`` is not taken (``close`` and ``stop`` do that), nor ``active_streams``. What cannot go
    there raises TypeError. Walks may be many at a time.

    Raises BadRedisUrl, BadBeaconAddress, BeaconUnreachable, BeaconRefused, NoRedisAddress; what else hinders
    a walk, such as RedisUnreachable or NoSuchNode, is raised by its first iteration.
    """

    def __init__(
        self,
        beacon_host: str | None = None,
        beacon_port: int | None = None,
        db_name: str = "",
        *,
        redis_url: str | None = None,
    ) -> None:
        if not db_name:
            raise TypeError("RemoteNodeWalker needs db_name: the name of a session, or the key of a node")
        self.db_name = db_name
        self.redis_url = _with_database(_url(beacon_host, beacon_port, redis_url))
        self._walks: weakref.WeakSet[RemoteWalk[Any]] = weakref.WeakSet()

    def walk(
        self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]
    ) -> RemoteWalk[NodeContent]:
        """Nodes below this one, channels too."""
        return self._walk("nodes", include_filter, options, nodes_only=True)

    def walk_from_last(
        self, include_filter: NodeFilter = None, *, include_last: bool = True, **options: Unpack[WalkOptions]
    ) -> RemoteWalk[NodeContent]:
        """The latest node that fits, then new ones as they come."""
        more = {"include_last": include_last, **options}
        return self._walk("from last", include_filter, more, nodes_only=True)

    def walk_events(
        self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]
    ) -> RemoteWalk[RemoteEvent]:
        """What happened below this node since ``first_index``, then what happens."""
        return self._walk("events", include_filter, options)

    def walk_on_new_events(
        self, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]
    ) -> RemoteWalk[RemoteEvent]:
        """What happens below this node from now on, by the clock of the server."""
        options["first_index"] = None
        return self._walk("events", include_filter, options)

    def stop(self) -> None:
        """End all walks of this walker."""
        for walk in list(self._walks):
            walk.close()

    def _now(self) -> bytes:
        """From this call on, though the other process will begin later."""
        with connect(self.redis_url) as connection:
            return from_now_on(connection)

    def _walk(
        self, kind: Kind, include_filter: NodeFilter, options: Any, *, nodes_only: bool = False
    ) -> RemoteWalk[Any]:
        check_filter(include_filter, "include_filter")
        check_options({name: value for name, value in options.items() if name != "include_last"})
        sent = {"include_filter": include_filter, **options}
        for name, instead in _STAY_HERE.items():
            if sent.pop(name, None) is not None:
                raise TypeError(f"a walk in another process takes no {name}: {instead}")
        started_event = sent.pop("started_event", None)
        uses_main = [_check_crosses(name, value) for name, value in sent.items()]
        if sent.get("first_index", 0) is None:
            sent["first_index"] = self._now()
        process = WalkProcess(self.redis_url, self.db_name, kind, sent, started_event is not None)
        process.import_main = any(uses_main)
        walk: RemoteWalk[Any] = RemoteWalk(process, started_event, nodes_only=nodes_only)
        self._walks.add(walk)
        return walk


def _url(beacon_host: str | None, beacon_port: int | None, url: str | None) -> str:
    if url is not None or beacon_host is None:
        return redis_url(url)
    return redis_url(beacon=beacon_host if beacon_port is None else f"{beacon_host}:{beacon_port}")


def _with_database(url: str) -> str:
    """The database of scans is named: other clients take another one where there is none."""
    check_redis_url(url)
    parts = urlsplit(url)
    if "db=" in parts.query or (parts.scheme != "unix" and parts.path.strip("/")):
        return url
    if parts.scheme == "unix":
        return f"{url}{'&' if parts.query else '?'}db={DATA_DB}"
    return parts._replace(path=f"/{DATA_DB}").geturl()


def _check_crosses(name: str, value: object) -> bool:
    """Whether the other process has to import the program for it. Raises TypeError where it cannot go."""
    try:
        pickled = ForkingPickler.dumps(value)
    except Exception as error:
        why = " ".join(str(error).split())
        raise TypeError(f"{name} cannot go to another process ({why}): {_IN_A_MODULE}") from None
    if _MAIN not in bytes(pickled):
        return False
    if not hasattr(sys.modules[_MAIN.decode()], "__file__"):
        raise TypeError(f"{name} is defined in a notebook or at a prompt: {_IN_A_MODULE}")
    return True


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
