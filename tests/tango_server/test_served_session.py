"""A device is started and stopped again and again; what it knows of its scans stays true."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from nexus_writer.subscribers import ScansRunning, SubscriberState, UnknownScan, WriterOptions
from tango_server.served_session import ServedSession

from .conftest import SESSION
from .servers import Beamline, publish_points


def wait_until(condition: Callable[[], object]) -> None:
    """As for processes, but other greenlets run meanwhile."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        gevent.sleep(0.01)


@pytest.fixture
def served(redis_url: str, beamline: Beamline) -> Iterator[Callable[[], ServedSession]]:
    """Starts the session, again and again."""
    session = ServedSession()

    def start(**options: float) -> ServedSession:
        session.start(SESSION, WriterOptions(**options), redis_url=redis_url)  # type: ignore[arg-type]
        wait_until(lambda: session.reason == "Start listening to Redis events")
        return session

    yield start
    session.shut_down(10)


@contextlib.contextmanager
def running_scan(session: ServedSession, beamline: Beamline, dataset: str) -> Iterator[str]:
    """The key of a scan that is being saved."""
    with beamline.scan(dataset) as scan:
        wait_until(lambda: knows(session, scan.key))
        scan.prepare()
        publish_points(scan, 2)
        yield scan.key
    wait_until(lambda: session.scan(scan.key).done())


def knows(session: ServedSession, name: str) -> bool:
    with contextlib.suppress(UnknownScan):
        return bool(session.scan(name))
    return False


def test_a_fault_says_how_to_leave_it() -> None:
    session = ServedSession()
    session.start(SESSION, WriterOptions(), redis_url="redis://127.0.0.1:1/first")
    wait_until(lambda: session.state is SubscriberState.FAULT)
    assert "is not a Redis address" in session.reason
    assert session.reason.endswith("; correct it, then call 'start'")


def test_before_the_first_start() -> None:
    session = ServedSession()
    assert session.state is SubscriberState.INIT
    assert session.scans() == []
    assert session.statistics().points == 0
    assert session.free_disk_space_mb() is None
    session.stop()
    assert session.shut_down(1)


def test_a_scan_goes_on_when_its_session_fails(
    served: Callable[[], ServedSession], beamline: Beamline
) -> None:
    session = served()
    with running_scan(session, beamline, "a") as first:
        session._writers[-1].kill(wait=True, timeout=60)
        assert session.state is SubscriberState.FAULT
        assert session.scan(first).state is SubscriberState.ON
        served()
        assert session.state is SubscriberState.ON
        with running_scan(session, beamline, "b") as second:
            assert [scan.key for scan in session.running()] == [first, second]
            with pytest.raises(ScansRunning):
                session.stop()
    assert [scan.state for scan in session.scans()] == [SubscriberState.OFF] * 2
    statistics = session.statistics()
    assert (statistics.finished, statistics.failed, statistics.points) == (2, 0, 16)


def test_started_twice_changes_the_options_of_later_scans(
    served: Callable[..., ServedSession], beamline: Beamline
) -> None:
    session = served(required_disk_space=0)
    with running_scan(session, beamline, "a") as first:
        served(required_disk_space=1e12)
        assert session.scan(first).disk_space_error() == ""
    with beamline.scan("b") as scan:
        wait_until(lambda: knows(session, scan.key))
        assert session.scan(scan.key).disk_space_error() == "Free disk space below 1e+12 MB"
    session.scan(scan.key).stop(wait=True, timeout=60)


def test_free_disk_space_is_that_of_the_latest_scan(
    served: Callable[[], ServedSession], beamline: Beamline, tmp_path: Path
) -> None:
    session = served()
    with running_scan(session, beamline, "a"):
        wait_until(lambda: session.free_disk_space_mb() is not None)
