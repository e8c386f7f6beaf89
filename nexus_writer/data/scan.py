"""The scans of a session told to an observer, method by method, as blissdata 0.3 does.

    class Printer(ScansObserver):
        def on_scan_finished(self, scan_db_name, scan_info):
            print(scan_info["title"])

    watcher = ScansWatcher("demo_session")
    watcher.set_observer(Printer())
    watcher.run()

``Watch`` tells the same, and how it ended, as values.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from . import keys
from .connection import connect
from .errors import DataError
from .events import Event, EventData, EventType
from .nodes import DataNode, get_session_node
from .stop_handler import StopHandler

logger = logging.getLogger(__name__)

RETRY_S = 0.5
_READY_S = 10.0


class WatcherRuns(DataError):
    """It is too late to say what is to be watched."""

    def __init__(self) -> None:
        super().__init__("this watcher runs already: say what it is to do before run() or watch()")


class NoObserver(DataError):
    """Nobody would be told."""

    def __init__(self) -> None:
        super().__init__("this watcher has nobody to tell: call set_observer() first")


class ScansObserver:
    """Derive from it, and give the methods that matter. They are called in the thread that runs the watcher.

    ``scan_db_name`` is the key of a scan's node, ``scan_info`` what its info has at that moment.
    """

    def on_event_received(self, event: Event) -> None:
        """Any event, before the method for it."""

    def on_scan_created(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        """A scan begins; its devices are not prepared yet."""

    def on_scan_started(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        """Its devices are prepared."""

    def on_child_created(self, scan_db_name: str, node: DataNode) -> None:
        """A device or channel of a scan."""

    def on_scalar_data_received(
        self, scan_db_name: str, channel_name: str, index: int, data_bunch: Any
    ) -> None:
        """Points of a channel of numbers or texts, from ``index`` on."""

    def on_ndim_data_received(
        self, scan_db_name: str, channel_name: str, dim: int, index: int, data_bunch: Any
    ) -> None:
        """Points with ``dim`` dimensions, from ``index`` on."""

    def on_lima_ref_received(
        self, scan_db_name: str, channel_name: str, dim: int, source_node: DataNode, event_data: EventData
    ) -> None:
        """New images of a camera; ``source_node`` fetches them."""

    def on_scan_finished(self, scan_db_name: str, scan_info: dict[str, Any]) -> None:
        """A scan has ended."""


class ScansWatcher:
    """Tells an observer of the scans of a session that begin from now on.

    What an observer raises is logged, and watching goes on; a Redis that goes away is waited for. The
    ``wait_`` methods block their thread.
    """

    def __init__(self, session_name: str, connection: redis.Redis | None = None) -> None:
        self._session_name = session_name
        self._connection = connection
        self._observer: ScansObserver | None = None
        self._exclude_existing = False
        self._watch_groups = False
        self._runs = False
        self._running: dict[str, None] = {}
        self._stop_handler = StopHandler()
        self._ready = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._terminated = threading.Event()

    def set_observer(self, observer: ScansObserver) -> None:
        self._check_before_run()
        self._observer = observer

    def set_exclude_existing_scans(self, exclude: bool) -> None:
        """Whether scans that are there already are left out of ``on_event_received``; False at first."""
        self._check_before_run()
        self._exclude_existing = exclude

    def set_watch_scan_group(self, watch: bool) -> None:
        """Whether groups and sequences are told like scans; False at first."""
        self._check_before_run()
        self._watch_groups = watch

    def running_scan_names(self) -> list[str]:
        """Keys of the scans that were told and have not ended."""
        return list(self._running)

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Until no scan can be missed any more; False when it takes longer than ``timeout`` s."""
        return self._ready.wait(timeout)

    def wait_no_more_running_scans(self, timeout: float | None = None) -> bool:
        return self._idle.wait(timeout)

    def wait_terminated(self, timeout: float | None = None) -> bool:
        return self._terminated.wait(timeout)

    def run(self) -> None:
        """Until ``stop``. Raises NoObserver, and what ``connect`` raises."""
        self._check_before_run()
        if self._observer is None:
            raise NoObserver
        self._runs = True
        self._terminated.clear()
        try:
            connection = connect() if self._connection is None else self._connection
            self._follow(get_session_node(self._session_name, connection))
        finally:
            self._runs = False
            self._terminated.set()

    def stop(self) -> None:
        """For good; from any thread, also from the observer."""
        self._stop_handler.stop()

    @contextmanager
    def watch(self) -> Iterator[threading.Thread]:
        """Run in a thread for the time of a block; at its end scans that run are waited for, 2 s at most.

        Raises what ``run`` raises, and TimeoutError when the watcher is not ready within 10 s.
        """
        failed: list[Exception] = []

        def run() -> None:
            try:
                self.run()
            except Exception as error:
                failed.append(error)
                self._ready.set()

        thread = threading.Thread(target=run, name="scans watcher", daemon=True)
        thread.start()
        try:
            if not self.wait_ready(_READY_S):
                raise TimeoutError(f"the watcher of {self._session_name} is not ready after {_READY_S:.0f} s")
            if not failed:
                yield thread
                self.wait_no_more_running_scans(2.0)
        finally:
            self.stop()
            thread.join()
        if failed:
            raise failed[0]

    def _check_before_run(self) -> None:
        if self._runs:
            raise WatcherRuns

    def _follow(self, session: DataNode) -> None:
        existing = tuple(keys.SCAN_TYPES) if self._exclude_existing else None
        with session.walk_on_new_events(
            stop_handler=self._stop_handler,
            exclude_existing_children=existing,
            started_event=self._ready,
        ) as walk:
            event: Event | None = None
            while not walk.over:
                try:
                    event = event or next(walk, None)
                    if event is not None:
                        self._take(event)
                    event = None
                except redis.ConnectionError as error:
                    logger.warning("Redis does not answer (%s): it is waited for", error)
                    time.sleep(RETRY_S)

    def _take(self, event: Event) -> None:
        """Where Redis is asked for more, it is before anybody is told: this may be done again."""
        node, key = event.node, event.node.db_name
        told = node.type == "scan" or (node.type == "scan_group" and self._watch_groups)
        info = node.info.get_all() if told else {}
        self._tell("on_event_received", event)
        if node.type in keys.SCAN_TYPES:
            if told:
                self._take_scan(event.type, key, info)
            return
        scan = next((one for one in self._running if keys.is_below(key, one)), None)
        if scan is None:
            return
        if event.type is EventType.NEW_NODE:
            self._tell("on_child_created", scan, node)
        elif event.data is not None:
            self._take_data(scan, node, event.data)

    def _take_scan(self, event_type: EventType, key: str, info: dict[str, Any]) -> None:
        if event_type is EventType.NEW_NODE:
            self._idle.clear()
            self._running[key] = None
            self._tell("on_scan_created", key, info)
        elif key not in self._running:
            return
        elif event_type is EventType.PREPARED_SCAN:
            self._tell("on_scan_started", key, info)
        elif event_type is EventType.END_SCAN:
            self._tell("on_scan_finished", key, info)
            del self._running[key]
            if not self._running:
                self._idle.set()

    def _take_data(self, scan: str, node: DataNode, data: EventData) -> None:
        where = {"scan_db_name": scan, "channel_name": node.fullname}
        if node.type == "lima":
            self._tell("on_lima_ref_received", **where, dim=2, source_node=node, event_data=data)
        elif node.type == "channel":
            dim = len(data.description["shape"])
            points = {"index": data.first_index, "data_bunch": data.data}
            if dim:
                self._tell("on_ndim_data_received", **where, dim=dim, **points)
            else:
                self._tell("on_scalar_data_received", **where, **points)

    def _tell(self, method: str, *args: Any, **kwargs: Any) -> None:
        try:
            getattr(self._observer, method)(*args, **kwargs)
        except Exception:
            logger.exception("%s of %s failed: watching goes on", method, type(self._observer).__name__)
