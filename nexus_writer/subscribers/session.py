"""Saves the scans of a session: listens for those that appear in Redis, looks back at those before it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial

import gevent
import redis
from gevent.pool import Group

from nexus_writer.data.connection import connect
from nexus_writer.data.events import Event
from nexus_writer.data.nodes import DataNode, get_session_node
from nexus_writer.data.scan_reader import ScanReplaced, ScanVanished
from nexus_writer.data.walk import Walk
from nexus_writer.hdf5 import compression_threads

from .errors import ScansRunning
from .follower import LISTENS
from .intake import Intake
from .known_scans import KnownScan, all_older_than
from .look_back import scans_to_save
from .modes import Mode, Request
from .options import WriterOptions, warn_of_unknown_variables
from .scan import NexusScanWriter
from .silence import wait_until_it_speaks
from .state import SubscriberState
from .status import SessionStatistics
from .subscriber import Subscriber
from .validation import Validator
from .writer_thread import WriterThread, shared_writer_thread

SCAN_TYPES = ("scan", "scan_group")
ANNOUNCED_WITHIN_S = 5.0
"""A scan that was found by looking back may be announced so much later, and is the same one."""


class NexusSessionWriter(Subscriber[Event]):
    """Runs in sequential mode in the thread that starts it; the listeners of all its scans run there too."""

    def __init__(
        self,
        session: str,
        options: WriterOptions | None = None,
        *,
        redis_url: str | None = None,
        beacon: str | None = None,
        writer: WriterThread | None = None,
        standby: bool = False,
        device: str = "",
        saved_here: Callable[[str], bool] = lambda key: False,
    ) -> None:
        """``standby``: it saves what no other writer does. ``device`` is its Tango device, if it has one.
        Scans that are ``saved_here``, told by their keys, are those of an earlier session writer of this
        process, which tells of them."""
        super().__init__(session, connect=partial(connect, redis_url, beacon=beacon), mode=Mode.SEQUENTIAL)
        self.session = session
        self.options = options or WriterOptions()
        warn_of_unknown_variables()
        compression_threads.set(self.options.compression_threads, self.options.compression_bytes)
        self._writer = writer
        self._saved_here = saved_here
        self._client: redis.Redis | None = None
        self._intake = Intake(
            session,
            lambda: self.options,
            self._connect,
            self._connected,
            self._writer_thread,
            self._look_after,
            standby=standby,
            device=device,
        )
        self._crew, self._scans = self._intake.crew, self._intake.scans
        self._beside = Group()
        self._looked_back = False
        self._late: set[str] = set()

    @property
    def standby(self) -> bool:
        """It saves what no other writer does."""
        return self._crew.standby

    @property
    def name(self) -> str:
        """Which of the session's writers it is: ``host (pid 123)``."""
        return self._crew.name

    # -- scans --

    def scans(self) -> list[KnownScan]:
        """The scans it knows, by the time that it got to know them, whoever writes them; those finished long
        ago are forgotten."""
        self._scans.purge(self.options.retention)
        return list(self._scans)

    def latest(self) -> Iterator[KnownScan]:
        """The same, the last one first."""
        return reversed(self._scans)

    @property
    def version(self) -> int | None:
        """Of what there is to say of the scans: the same as before when nothing has changed, None while some
        are not done."""
        return self._scans.version

    def scan(self, name: str) -> KnownScan:
        """By full name; or by bare name, the one started last. Raises UnknownScan."""
        return self._scans.find(name)

    def running(self) -> list[NexusScanWriter]:
        """Scans that this writer saves, and whose file is not complete."""
        return self._scans.running()

    def purge(self, older_than_s: float = 5.0) -> None:
        """Forget scans that finished more than ``older_than_s`` s ago; statistics keep counting them."""
        self._scans.purge(all_older_than(older_than_s))

    def statistics(self) -> SessionStatistics:
        """All its scans in numbers."""
        self._scans.purge(self.options.retention)
        return self._scans.statistics()

    # -- life --

    def start(self, wait: bool = False, timeout: float | None = None) -> None:
        """INIT to ON, and be one of the session's writers."""
        self._crew.start()
        super().start(wait, timeout)

    def stop(self, wait: bool = False, timeout: float | None = None) -> None:
        """ON to OFF. Raises ScansRunning while scans are being saved."""
        if names := [scan.name for scan in self.running()]:
            raise ScansRunning(names)
        super().stop(wait=wait, timeout=timeout)

    def shut_down(self, timeout: float = 10.0) -> bool:
        """Listen no more, and bring every running scan's file to a clean end; False when some take longer.

        Scans that have not ended are gone on with by the writer that looks back next.
        """
        super().stop()
        if "_validator" in self.__dict__:
            self._validator.stop()
        for scan in self.running():
            scan.leave()
        deadline = time.monotonic() + timeout
        for scan in self.running():
            scan.join(max(0.0, deadline - time.monotonic()))
        ended = self.join(max(0.0, deadline - time.monotonic())) and not self.running()
        return ended and self._crew.join(max(0.0, deadline - time.monotonic()))

    # -- listener and consumer, in one greenlet --

    def _listen(self) -> Iterator[Sequence[Event]]:
        walk = self._ask_redis(self._walk)
        try:
            while (event := self._ask_redis(lambda: next(walk, None))) is not None:
                self._say(LISTENS)
                yield [event]
        finally:
            walk.close()

    def _walk(self) -> Walk:
        """The nodes that appear in the session from now on, down to its scans."""
        session = get_session_node(self.session, connection=self._connected())
        if not session.exists:
            self._say(f"Waiting for session {self.session!r} to appear in Redis", logging.WARNING)
        return Walk(
            session,
            SCAN_TYPES,
            events=False,
            in_order=False,
            first_index=None,
            exclude_children=SCAN_TYPES,
            started_event=_Subscribed(self._subscribed),
        )

    def _consume(self, event: Event) -> None:
        if event.node.db_name in self._late:  # announced while we looked back
            self._late.discard(event.node.db_name)
        else:
            self._try_to_save(event.node, announced=True)

    def _try_to_save(self, node: DataNode, *, announced: bool = False) -> None:
        """A scan of which Redis has nothing sound costs itself, and no other one."""
        try:
            self._ask_redis(lambda: self._save(node, announced=announced))
        except Exception as error:
            self._warn(f"{node.db_name} is not saved: {self._describe(error)}")

    def _save(self, node: DataNode, *, announced: bool) -> None:
        if self._request is None and not self._saved_here(node.db_name):
            self._intake.take(node, announced=announced)

    # -- greenlets beside them, in the same thread --

    def _subscribed(self) -> None:
        self._listening.send()
        if self.options.look_back_s and not self._looked_back:
            self._looked_back = True
            self._beside.spawn(self._look_back)

    def _look_back(self) -> None:
        """Save what began before the listening did."""
        try:
            self._ask_apart(self._save_what_lacks)
        except Exception as error:
            self._warn(f"Scans before the start of the writer were not looked for: {self._describe(error)}")
        gevent.sleep(ANNOUNCED_WITHIN_S)
        self._late.clear()

    def _save_what_lacks(self, client: redis.Redis) -> None:
        session = get_session_node(self.session, connection=client)
        for scan in scans_to_save(session, client, self.options, self._writer_thread(), self._scans):
            if scan.node.db_name not in self._scans:
                self._late.add(scan.node.db_name)
                self._try_to_save(scan.node)

    def _look_after(self, scan: NexusScanWriter, node: DataNode) -> None:
        """A scan is written here from now on."""
        self._beside.spawn(self._attend, scan, node)
        if self.options.validation:
            self._validator.follow(scan)

    def _attend(self, scan: NexusScanWriter, node: DataNode) -> None:
        """Until it is done; save the one that has its name now, where Redis was flushed meanwhile."""
        scan.join()
        self._scans.settle()
        if scan.replaced:
            self._try_to_save(node)
        if scan.silent_since is not None:
            self._beside.spawn(self._wait_for, node, scan.silent_since)

    def _wait_for(self, node: DataNode, since: Mapping[str, bytes]) -> None:
        """Go on with a scan that was given up for its silence, should it speak again."""
        try:
            self._ask_apart(lambda client: wait_until_it_speaks(client, node.db_name, since))
        except (ScanVanished, ScanReplaced):
            self._scans.silent_no_more(node.db_name)
        else:
            self._try_to_save(node)

    def _validated(self, key: str, findings: str) -> None:
        if (scan := self._scans.validated(key, findings)) is not None:
            self._crew.changed(scan.status())

    @cached_property
    def _validator(self) -> Validator:
        return Validator(self._writer_thread(), self._validated)

    def _finish(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        self._beside.kill(block=False)
        self._crew.end()
        if self._client is not None:
            self._client.close()
        return super()._finish(request, failure)

    def _make_node(self, client: redis.Redis) -> DataNode:
        """The session, also where it does not exist yet."""
        return get_session_node(self.session, connection=client)

    def _writer_thread(self) -> WriterThread:
        return self._writer or shared_writer_thread()

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = self._connect(green=True)
        return self._client


class _Subscribed:
    """What a walk calls once it is subscribed."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.set = call
