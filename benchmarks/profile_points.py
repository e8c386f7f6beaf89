"""Where the time of a point goes: backlogs of scans saved by ``NexusWriterService``, stage by stage.

    python -m benchmarks.profile_points [--channels 100] [--points 2000] [--scans 5]

CPU time of one channel event; that of scans, their creation and their end, is shared out among their events.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from ._backlog import saved
from ._load import LoadScan
from ._server import WriterProcess, place
from ._staged_service import STAGES

REST = "the rest: Tango, greenlets, the start of a scan"


def profile(channels: int, points: int, scans: int) -> dict[str, float]:
    """Us of CPU of a channel event, by stage."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "stages.json"
        with place(("-m", "benchmarks._staged_service", str(target))) as here:
            began_s, own_s = here.writer.cpu_s(), _own_s(here.writer)
            for _ in range(scans):
                load = LoadScan(here.client, here.new_directory(), channels=channels, points=points)
                saved(here.writer, [load], points)
                here.client.flushdb()
            all_s, own_s = here.writer.cpu_s() - began_s, _own_s(here.writer) - own_s
        seconds = json.loads(target.read_text())
    events = scans * channels * points
    shares = {stage: seconds.get(stage, 0.0) / events * 1e6 for stage in STAGES}
    shares[REST] = own_s / events * 1e6 - sum(shares.values())
    return shares | {"the process that commits": (all_s - own_s) / events * 1e6}


def _own_s(writer: WriterProcess) -> float:
    """Seconds of CPU of the service itself."""
    return time.clock_gettime(_clock_of(writer.pid))


def _clock_of(pid: int) -> int:
    """The CPU clock of another process, by the rule of Linux: clock_getcpuclockid is not in Python."""
    return ~pid << 3 | 2


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--scans", type=int, default=5)
    options = parser.parse_args()
    shares = profile(options.channels, options.points, options.scans)
    for stage, cpu_us in shares.items():
        print(f"{stage:50} {cpu_us:6.3f} us")
    print(f"{'a channel event':50} {sum(shares.values()):6.3f} us")


if __name__ == "__main__":
    main()
