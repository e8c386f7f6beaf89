"""A beamline at full rate for a while, whose writer is killed twice: everything is in the file, bit for bit.

``make soak`` runs the long form, 5 minutes, and shows what it took.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from nexus_writer.data.embedded import EmbeddedRedis
from tests.sent_files import assert_as_sent, sent_scans
from tests.serve_process import ServeProcess, entry_is_final, wait_until

pytestmark = pytest.mark.timeout(1200)
SESSION = "soak"
DETECTORS = 16
RATE_HZ = 1000
FRAMES_HZ = 5
FRAME_SHAPE = (1024, 1024)
SHORT_S, LONG_S = 12, 300
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def beamline(seconds: int, directory: Path) -> str:
    """As YAML: JSON is YAML, too."""
    counters = {f"det{n}": {"kind": "counters", "rate_hz": RATE_HZ} for n in range(DETECTORS)}
    camera = {"kind": "camera", "shape": FRAME_SHAPE, "rate_hz": FRAMES_HZ}
    detectors = {**counters, "cam": camera}
    scan = {"type": "timescan", "duration_s": seconds, "detectors": list(detectors)}
    told = {"session": SESSION, "directory": str(directory), "processes": 1, "seed": 20_261_120}
    return json.dumps({**told, "detectors": detectors, "scans": [scan]})


@dataclass
class Usage:
    """What processes take: the most memory, and the time of processors, by what they are."""

    most_mib: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[tuple[str, int], float] = field(default_factory=dict)

    def look(self, name: str, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        except OSError:
            return
        if "VmHWM" in status:
            mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
            self.most_mib[name] = max(mib, self.most_mib.get(name, 0.0))
        self.cpu_s[name, pid] = sum(map(int, ticks)) / TICKS_PER_S

    def lines(self, seconds: float) -> list[str]:
        names = dict.fromkeys(name for name, _ in self.cpu_s)
        busy = {name: sum(s for (one, _), s in self.cpu_s.items() if one == name) for name in names}
        return [
            f"{name}: {busy[name] / seconds:.0%} of a processor, {self.most_mib[name]:.0f} MiB at most"
            for name in names
        ]


def children(pid: int) -> list[int]:
    """Processes that this one has started, and those that these have."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *children(child)]
    return found


def test_a_writer_that_is_killed_twice_saves_all_of_it(full: bool, tmp_path: Path) -> None:
    seconds, usage = LONG_S if full else SHORT_S, Usage()
    file = tmp_path / "beamline.yaml"
    file.write_text(beamline(seconds, tmp_path / "data"))
    kills = [seconds / 3, 2 * seconds / 3]
    with EmbeddedRedis() as server, server.client() as client:
        writer = serve(server.url, tmp_path)
        command = [sys.executable, "-m", "nexus_writer", "simulate", str(file), "--redis", server.url]
        with (tmp_path / "simulate.log").open("wb") as log:
            simulate = subprocess.Popen(
                [*command, "--sent", str(tmp_path / "sent")], stdout=log, stderr=log, cwd=tmp_path
            )
        try:
            wait_until(lambda: points_in(client), "points", 60)
            began_s = time.monotonic()
            while simulate.poll() is None:
                assert time.monotonic() < began_s + 4 * seconds + 120, "it takes too long"
                if kills and time.monotonic() > began_s + kills[0]:
                    kills.pop(0)
                    writer.kill()
                    writer = serve(server.url, tmp_path)
                usage.look("writer", writer.process.pid)
                usage.look("publisher", simulate.pid)
                usage.look("Redis", server.pid)
                for pid in children(simulate.pid):
                    usage.look("detectors", pid)
                time.sleep(0.2)
            told = (tmp_path / "simulate.log").read_text()
            assert simulate.returncode == 0, told
            assert not (full and kills), "it ended before its writer was killed twice"
            for _ in kills:  # a slow machine: its writer has yet to save what waits
                writer.kill()
                writer = serve(server.url, tmp_path)
            took_s = time.monotonic() - began_s
            (sent,) = sent_scans(tmp_path / "sent")
            wait_until(lambda: entry_is_final(Path(sent["filename"]), "1.1"), "the file", 60)
            redis_mib = client.info("memory")["used_memory_peak"] / 2**20
        finally:
            simulate.kill()
            simulate.wait()
            writer.kill()
    points = assert_as_sent(sent)
    assert sent["channels"]["cam:image"]["points"] == seconds * FRAMES_HZ
    assert [sent["channels"][f"det{n}:det{n}"]["points"] for n in range(DETECTORS)] == (
        [seconds * RATE_HZ] * DETECTORS
    )
    print(f"\n{points} points in {took_s:.0f} s, all in the file; data in Redis: {redis_mib:.0f} MiB at most")
    print("\n".join(usage.lines(took_s)))
    shutil.rmtree(tmp_path / "data")


def serve(url: str, directory: Path) -> ServeProcess:
    return ServeProcess(SESSION, url, directory, "--required-disk-space", "0")


def points_in(client: redis.Redis) -> bool:
    return any(client.xlen(key) for key in client.scan_iter("*det0_data", count=1000))
