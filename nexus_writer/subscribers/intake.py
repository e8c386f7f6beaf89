"""What becomes of a scan that was found: it is written here, waits for another writer, or is done with."""

from __future__ import annotations

from collections.abc import Callable

import redis

from nexus_writer.data.nodes import DataNode

from .claims import Claim
from .crew import Crew
from .elsewhere import ScanElsewhere
from .known_scans import KnownScans
from .options import WriterOptions
from .scan import NexusScanWriter
from .sought import Sought, seek
from .writer_thread import WriterThread


class Intake:
    """Takes the scans of a session: one NexusScanWriter for each that is written here, with the claim of its
    file, and a ScanElsewhere for each that another writer has. Belongs to the thread of the session.

    A scan may be found several times, by listening and by looking back: it is taken once.
    """

    crew: Crew
    """This writer among the others of the session."""
    scans: KnownScans
    """All that were taken."""

    def __init__(
        self,
        session: str,
        options: Callable[[], WriterOptions],
        connect: Callable[..., redis.Redis],
        connected: Callable[[], redis.Redis],
        writer: Callable[[], WriterThread],
        started: Callable[[NexusScanWriter, DataNode], None],
        *,
        standby: bool,
        device: str,
    ) -> None:
        """``options`` gives those of the scans that start from now on, ``connected`` the connection of the
        session; ``started`` is told of each scan that is written here."""
        self._session = session
        self._options = options
        self._connect = connect
        self._connected = connected
        self._writer = writer
        self._tell_started = started
        self.crew = Crew(session, connect, self._start, self._wait_with, standby=standby, device=device)
        self.scans = KnownScans(self.crew.forget)

    def take(self, node: DataNode, *, announced: bool) -> None:
        """A scan was found: save it now, or when no other writer does. Raises REDIS_AWAY.

        One that was just ``announced`` may be done with already, where this writer slept.
        """
        known = self.scans.get(node.db_name)
        if known is not None and not known.done():
            return
        self.scans.purge(self._options().retention)
        sought = seek(node, self.crew.client(), self._options().writer_name)
        claim = self.crew.claim(sought.path) if sought.path else None
        begun = False
        try:
            begun = self._begin(sought, claim, known, announced=announced)
        finally:
            if not begun:
                self.crew.drop(claim)

    def _begin(self, sought: Sought, claim: Claim | None, known: object, *, announced: bool) -> bool:
        """Whether the scan is written here now, with its claim. ``known`` is the scan that had its name."""
        outcome = self.crew.outcome(sought) if announced and claim is not None else None
        if self.scans.get(sought.key) is not known:  # it was found in two ways at once
            return False
        self.scans.make_room(sought.key)
        if outcome is not None:
            self._show_elsewhere(sought).settle(outcome.status)
        elif sought.path and claim is None:
            self._wait_with(sought)
        else:
            self._start(sought, claim)
            return True
        return False

    def _wait_with(self, sought: Sought, last_writer: str = "") -> None:
        """Another writer has the scan's file, or may take it."""
        self.crew.waiting.add(sought, self._show_elsewhere(sought), last_writer)

    def _show_elsewhere(self, sought: Sought) -> ScanElsewhere:
        scan = ScanElsewhere(sought, self._session, self._options(), self.crew.ask)
        self.scans.put(scan)
        return scan

    def _start(self, sought: Sought, claim: Claim | None, taken_over: bool = False) -> None:
        """The claim is the scan's from now on, but where this raises."""
        scan = NexusScanWriter(
            sought.key,
            sought.node.name,
            self._session,
            self._connected(),
            self._options(),
            self._writer(),
            self._connect,
            claim=claim,
            taken_over=taken_over,
        )
        self.scans.put(scan)
        scan.start()
        self._tell_started(scan, sought.node)
        self.crew.follow(scan, sought, claim)
