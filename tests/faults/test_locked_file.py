"""Another process has the file open for writing while scans of 100 points/s go into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest

from tests.faults.kept import Beamline, Published, assert_complete
from tests.faults.trials import trials
from tests.hdf5.processes import running_python
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = [pytest.mark.fault("another process holding the file in r+"), pytest.mark.timeout(240)]
SESSION = "locked"
RATE_HZ = 100
OPTIONS = ("--required-disk-space", "0")
WARNING = "is open for writing in python"
Record = Callable[[str, object], None]
HOLDS = """
    import h5py, sys
    with h5py.File(sys.argv[1], "a") as file:
        file.attrs["held"] = int(file.attrs.get("held", 0)) + 1
        file.flush()
        print("ready", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def hold_s(full: bool) -> float:
    """How long the file is held."""
    return 30.0 if full else 3.0


@pytest.fixture
def beamline(redis_url: str, tmp_path: Path) -> Beamline:
    return Beamline.at(redis_url, SESSION, tmp_path / "data", period_s=1 / RATE_HZ)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The holder ends in order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with running_python(HOLDS, path) as process:
        yield
        assert process.poll() is None
        process.communicate("", timeout=60)


def side_of(scan: Published) -> Path:
    return scan.path.with_stem(f"{scan.path.stem}_beside")


def wait_until_complete(scan: Published) -> None:
    """As everybody finds it, through its own file."""
    wait_until(lambda: entry_is_final(scan.path, scan.entry), f"{scan.entry} complete", 60)


def assert_as_published(scan: Published, *, beside: bool) -> None:
    assert_complete(scan, WARNING)
    with h5py.File(scan.path) as file:
        assert isinstance(file.get(scan.entry, getlink=True), h5py.ExternalLink) == beside
        assert file.attrs["held"] == 1
        target = file[scan.entry].file.filename
    assert target == str(side_of(scan) if beside else scan.path)


def end(writer: ServeProcess, beamline: Beamline) -> None:
    assert beamline.failure is None, beamline.failure
    assert writer.stop() == 0
    assert "Traceback" not in writer.log.read_text()


@trials(1, 8)
def test_for_longer_than_the_scan_waits(
    trial: int,
    hold_s: float,
    redis_url: str,
    tmp_path: Path,
    beamline: Beamline,
    record_property: Record,
) -> None:
    """The scan goes on when the holder is gone; the writer is killed meanwhile in half of the trials."""
    patience = ("--wait-for-file-s", str(min(10.0, hold_s / 3)))
    path = beamline.dataset.policy.filename
    with serving(SESSION, redis_url, tmp_path, *OPTIONS, *patience) as writer:
        with held(path):
            released_s = time.monotonic() + hold_s
            publishing = beamline.run([round((hold_s + 2) * RATE_HZ)])
            wait_until(lambda: bool(beamline.scans), "published")
            scan = beamline.scans[0]
            wait_until(lambda: has_points(side_of(scan), scan.entry), "beside", hold_s + 20)
            if trial % 2:
                writer.kill()
                writer = ServeProcess(SESSION, redis_url, tmp_path, *OPTIONS, *patience)
            time.sleep(max(0.0, released_s - time.monotonic()))
        began_s = time.monotonic()
        try:
            wait_until(lambda: is_linked(scan), "linked", 60)
            record_property("linked_after_s", time.monotonic() - began_s)
            publishing.join(60)
            wait_until_complete(scan)
            end(writer, beamline)
        finally:
            writer.kill()
    assert_as_published(scan, beside=True)


@trials(1, 5)
def test_for_no_longer_than_the_scan_waits(
    trial: int, hold_s: float, redis_url: str, tmp_path: Path, beamline: Beamline
) -> None:
    """Nothing is left to be seen of it."""
    path = beamline.dataset.policy.filename
    with serving(SESSION, redis_url, tmp_path, *OPTIONS, "--wait-for-file-s", "60") as writer:
        with held(path):
            publishing = beamline.run([round((hold_s / 4 + 2) * RATE_HZ)])
            time.sleep(hold_s / 4)
        publishing.join(60)
        scan = beamline.scans[0]
        wait_until_complete(scan)
        end(writer, beamline)
    assert not side_of(scan).exists()
    assert_as_published(scan, beside=False)


@trials(1, 7)
def test_from_between_two_scans_of_the_file_on(
    trial: int, hold_s: float, redis_url: str, tmp_path: Path, beamline: Beamline
) -> None:
    """Those that are published meanwhile are beside it, those before and after in it."""
    patience = ("--wait-for-file-s", str(min(10.0, hold_s / 6)))
    with serving(SESSION, redis_url, tmp_path, *OPTIONS, *patience) as writer:
        first = beamline.scan(RATE_HZ // 2)
        wait_until_complete(first)
        wait_until(lambda: is_free(first.path), "given back")
        with held(first.path):
            released_s = time.monotonic() + hold_s
            publishing = beamline.run([round(hold_s / 2.5 * RATE_HZ)] * 2)
            publishing.join(2 * hold_s)
            beside = beamline.scans[1:]
            for scan in beside:
                wait_until(lambda s=scan: entry_is_final(side_of(s), s.entry), "complete beside it", 60)  # type: ignore[misc]
            time.sleep(max(0.0, released_s - time.monotonic()))
        last = beamline.scan(RATE_HZ // 2)
        for scan in beamline.scans:
            wait_until_complete(scan)
        end(writer, beamline)
    for scan in beamline.scans:
        assert_as_published(scan, beside=scan not in (first, last))


def has_points(path: Path, entry: str) -> bool:
    """Some are committed."""
    try:
        with h5py.File(path) as file:
            return bool(file[entry]["writer/points/committed"][()].any())
    except (OSError, KeyError, RuntimeError):
        return False


def is_linked(scan: Published) -> bool:
    """Without following the link."""
    try:
        with h5py.File(scan.path) as file:
            return isinstance(file.get(scan.entry, getlink=True), h5py.ExternalLink)
    except (OSError, KeyError, RuntimeError):
        return False


def is_free(path: Path) -> bool:
    """Nobody has it open for writing."""
    try:
        h5py.File(path, "r+").close()
    except OSError:
        return False
    return True
