"""The session that a device serves, through all its starts and stops.

A session writer lives once: started, then OFF or FAULT. A device may be started again, and what it said of
its scans before must still be true then: a scan that is being saved when its session's listener failed goes
on, and BLISS goes on asking for it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields

from nexus_writer.subscribers import (
    KnownScan,
    NexusScanWriter,
    NexusSessionWriter,
    ScansRunning,
    ScanStatus,
    SessionStatistics,
    SubscriberState,
    UnknownScan,
    WriterOptions,
)

from .scan_texts import ScanTexts

FINISHED_STATES = (SubscriberState.OFF, SubscriberState.FAULT)
LISTEN_WITHIN_S = 1.0
STOP_WITHIN_S = 2.5
"""A client gives up after 3 s."""


class ElsewhereLater(RuntimeError):
    """Another session or Redis is to be listened to while scans of this one are being saved."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            "session, redis_url and beacon_host cannot change while scans are being saved: "
            f"wait until {', '.join(names)} is saved, or call stop_scan, then call start"
        )


class ServedSession:
    """One session writer after the other, and the scans of all of them. Belongs to one thread."""

    def __init__(self, device: str = "") -> None:
        """``device`` is the name of who serves it, for the other writers of the session."""
        self.texts = ScanTexts()
        self._device = device
        self._writers: list[NexusSessionWriter] = []
        self._source: tuple[str, str | None, str | None] | None = None

    @property
    def state(self) -> SubscriberState:
        """Of the session writer started last; INIT before the first start."""
        return self._writers[-1].state if self._writers else SubscriberState.INIT

    @property
    def reason(self) -> str:
        """Why it is in its state, and what to do about a FAULT."""
        reason = self._writers[-1].reason if self._writers else "Not started"
        return f"{reason}; correct it, then call 'start'" if self.state is SubscriberState.FAULT else reason

    def start(
        self,
        session: str,
        options: WriterOptions,
        *,
        redis_url: str | None = None,
        beacon: str | None = None,
    ) -> None:
        """Listen to a session, and save the scans that start from now on with these options.

        While it listens already, only the options change; to another session or Redis it goes over when no
        scan is being saved, else it raises ElsewhereLater. Returns when it listens; where Redis does not
        answer within a second, it goes on trying meanwhile.
        """
        source = (session, redis_url, beacon)
        if self._writers and self.state not in FINISHED_STATES:
            if source == self._source:
                self._writers[-1].options = options
                return
            if running := self.running():
                raise ElsewhereLater([scan.name for scan in running])
            self.stop()
        self._source = source
        earlier = tuple(self._writers)
        writer = NexusSessionWriter(
            session,
            options,
            redis_url=redis_url,
            beacon=beacon,
            device=self._device,
            saved_here=lambda key: any(scan.key == key for one in earlier for scan in one.running()),
        )
        writer.start()
        self._writers.append(writer)
        writer.wait_listening(LISTEN_WITHIN_S)

    def stop(self) -> None:
        """Listen no more. Raises ScansRunning while scans are being saved."""
        if running := self.running():
            raise ScansRunning([scan.name for scan in running])
        if self._writers and self.state not in FINISHED_STATES:
            self._writers[-1].stop(wait=True, timeout=STOP_WITHIN_S)

    def shut_down(self, timeout_s: float) -> bool:
        """Listen no more and bring all files to a clean end; False when that takes longer."""
        ended = [writer.shut_down(timeout_s) for writer in reversed(self._writers)]
        return all(ended)

    def running(self) -> list[NexusScanWriter]:
        """Scans whose file is not complete."""
        return [scan for writer in self._writers for scan in writer.running()]

    def scans(self) -> list[KnownScan]:
        """All scans that are not forgotten yet, in the order of their start, whoever writes them."""
        return [scan for writer in self._writers for scan in writer.scans()]

    def statuses(self) -> list[ScanStatus]:
        """What there is to say of each of them now."""
        return [scan.status() for scan in self.scans()]

    def version(self) -> tuple[int, ...] | None:
        """The same as before when there is nothing else to say of any scan; None while some are not done."""
        versions = [writer.version for writer in self._writers]
        return None if None in versions else tuple(v for v in versions if v is not None)

    def scan(self, name: str) -> KnownScan:
        """By full key; or by bare name, the one started last. Raises UnknownScan."""
        for writer in reversed(self._writers):
            with suppress(UnknownScan):
                return writer.scan(name)
        raise UnknownScan(name)

    def free_disk_space_mb(self) -> float | None:
        """Where the latest scan is written; None before the first one."""
        latest = (scan for writer in reversed(self._writers) for scan in writer.latest())
        scan = next((scan for scan in latest if scan.uris), None)
        return None if scan is None else scan.free_disk_space_mb()

    def purge(self, older_than_s: float) -> None:
        """Forget the scans that finished longer ago."""
        for writer in self._writers:
            writer.purge(older_than_s)

    def look(self) -> None:
        """Now and then: rates are those of the time since, and old scans are forgotten."""
        self.statistics()

    def statistics(self) -> SessionStatistics:
        """All scans since the device came up, in numbers."""
        all_statistics = [writer.statistics() for writer in self._writers]
        return SessionStatistics(
            **{
                field.name: (max if field.name in LARGEST else sum)(
                    [getattr(statistics, field.name) for statistics in all_statistics] or [0]
                )
                for field in fields(SessionStatistics)
            }
        )


LARGEST = frozenset({"lag_s", "lag_fill", "queue_fill"})
"""Statistics of which the largest counts; of the others, the sum."""
