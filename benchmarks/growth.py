"""How time, CPU, memory and file size of a point grow with what is asked of the writer, as a plot.

    python -m benchmarks.growth FILE.png [--largest 1.0] [--json FILE]

Ways to grow: channels of a scan and scans at once (200,000 points in all), points of one scan of ten
channels, and small scans one after the other, in one file and in a file each. A new writer for every way.
``--largest 0.1`` leaves out what is above a tenth of the largest numbers. The whole takes about 6 minutes on
an idle machine of two CPUs, nearly all of them for the 22,000 small scans.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py

from ._backlog import Cost, path_of, saved
from ._load import LoadScan
from ._server import Place, place, wait_until

POINTS = 200_000
FEW_CHANNELS = 10
SMALL_CHANNELS, SMALL_POINTS = 3, 10
IN_FLIGHT, LOOK_EVERY = 20, 10
"""So many small scans may be published before the first of them is saved, and it is looked at so seldom: who
looks at files all the time takes the CPU that the writer needs."""
LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Measured:
    """At ``number`` of what grows: us on the clock, us of CPU and bytes of file for a point; MB resident."""

    number: int
    wall_us: float
    cpu_us: float
    resident_mb: float
    file_bytes: float


@dataclass(frozen=True, slots=True)
class Way:
    """A way to grow, by which numbers, and how one of them is measured."""

    name: str
    numbers: Sequence[int]
    measure: Callable[[Place, int], Measured]


def channels(here: Place, number: int) -> Measured:
    """A scan of so many channels."""
    return _backlog(here, number, scans=1, channels=number, points=POINTS // number)


def scans_at_once(here: Place, number: int) -> Measured:
    return _backlog(
        here, number, scans=number, channels=FEW_CHANNELS, points=POINTS // FEW_CHANNELS // number
    )


def points_of_a_scan(here: Place, number: int) -> Measured:
    """All channels together have so many points."""
    return _backlog(here, number, scans=1, channels=FEW_CHANNELS, points=max(1, number // FEW_CHANNELS))


def _backlog(here: Place, number: int, *, scans: int, channels: int, points: int) -> Measured:
    loads = [
        LoadScan(here.client, here.new_directory(), channels=channels, points=points) for _ in range(scans)
    ]
    cost = saved(here.writer, loads, points)
    size = sum(path_of(load).stat().st_size for load in loads)
    here.client.flushdb()
    return Measured(
        number,
        cost.wall_us,
        cost.cpu_us,
        here.writer.resident_mb(),
        size / (scans * channels * points),
    )


def scans_of_a_file(here: Place, number: int) -> Measured:
    """So many scans one after the other into the same file."""
    return _one_after_the_other(here, number, one_file=True)


def scans_of_a_session(here: Place, number: int) -> Measured:
    """So many scans one after the other, each into a file of its own."""
    return _one_after_the_other(here, number, one_file=False)


def _one_after_the_other(here: Place, number: int, *, one_file: bool) -> Measured:
    directory = here.new_directory()
    paths: set[Path] = set()
    begun: deque[LoadScan] = deque()
    cpu_s, started_s = here.writer.cpu_s(), time.perf_counter()
    for done in range(number):
        dataset = "0001" if one_file else f"{done:04}"
        load = LoadScan(here.client, directory, dataset=dataset, channels=SMALL_CHANNELS, points=SMALL_POINTS)
        load.publish(SMALL_POINTS)
        load.end()
        paths.add(path_of(load))
        begun.append(load)
        if len(begun) == IN_FLIGHT + LOOK_EVERY:
            _wait_for_first(begun, LOOK_EVERY)
    _wait_for_first(begun, len(begun))
    points = number * SMALL_CHANNELS * SMALL_POINTS
    wall_s, cpu_s = time.perf_counter() - started_s, here.writer.cpu_s() - cpu_s
    size = sum(path.stat().st_size for path in paths)
    here.client.flushdb()
    cost = Cost(cpu_s / points * 1e6, wall_s / points * 1e6)
    return Measured(number, cost.wall_us, cost.cpu_us, here.writer.resident_mb(), size / points)


def _wait_for_first(loads: deque[LoadScan], count: int) -> None:
    """The first so many are saved: they are taken out, and Redis has them no more."""
    for load in [loads.popleft() for _ in range(count)]:
        wait_until(lambda load=load: _is_complete(load), f"{load.key} is saved", every_s=LOOK_EVERY_S)
        load.forget()


def _is_complete(load: LoadScan) -> bool:
    try:
        with h5py.File(path_of(load)) as file:
            return file[f"{load.scan.info['scan_nb']}.1/writer/status"][()] == b"SUCCEEDED"
    except (OSError, KeyError, RuntimeError):  # not there yet, or a half-flushed page
        return False


WAYS = (
    Way("channels of a scan", (10, 30, 100, 300, 1000, 2000), channels),
    Way("scans at once", (1, 3, 10, 30, 50), scans_at_once),
    Way("points of a scan", (10, 1000, 100_000, 1_000_000, 10_000_000), points_of_a_scan),
    Way("scans of a file", (10, 100, 1000, 10_000), scans_of_a_file),
    Way("scans of a session, a file each", (10, 100, 1000, 10_000), scans_of_a_session),
)
LEAST_RATIO = 20.0
"""Between the ends of a logarithmic axis, so that what hardly grows looks like it."""

QUANTITIES = (
    ("wall_us", "time of a point, us"),
    ("cpu_us", "CPU of a point, us"),
    ("resident_mb", "resident memory, MB"),
    ("file_bytes", "file size of a point, bytes"),
)


def measure_all(largest: float) -> Iterator[tuple[str, list[Measured]]]:
    """Each way with a new writer, from the small numbers to the large ones; the first one warms up."""
    for way in WAYS:
        numbers = [number for number in way.numbers if number <= largest * way.numbers[-1]] or way.numbers[:1]
        with place() as here:
            way.measure(here, numbers[0])
            found = []
            for number in numbers:
                found.append(way.measure(here, number))
                print(f"{way.name} {number:,}: {found[-1]}", file=sys.stderr, flush=True)
        yield way.name, found


def plot(ways: dict[str, list[Measured]], path: Path) -> None:
    """A column for each way, a row for each quantity; both axes logarithmic but that of memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    size = (3.2 * len(ways), 2.4 * len(QUANTITIES))
    figure, axes = pyplot.subplots(len(QUANTITIES), len(ways), figsize=size, squeeze=False)
    for column, (name, found) in enumerate(ways.items()):
        for row, (field, label) in enumerate(QUANTITIES):
            axis = axes[row][column]
            values = [getattr(measured, field) for measured in found]
            axis.plot([measured.number for measured in found], values, "o-")
            axis.set_xscale("log")
            if field == "resident_mb":
                axis.set_ylim(0, 1.2 * max(values))
            else:
                axis.set_yscale("log")
                if max(values) < LEAST_RATIO * min(values):
                    middle = math.sqrt(max(values) * min(values))
                    axis.set_ylim(middle / math.sqrt(LEAST_RATIO), middle * math.sqrt(LEAST_RATIO))
            axis.grid(visible=True, which="both", alpha=0.3)
            if column == 0:
                axis.set_ylabel(label)
            if row == 0:
                axis.set_title(name)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("png", type=Path, metavar="FILE.png")
    parser.add_argument("--largest", type=float, default=1.0, help="share of the largest numbers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the numbers")
    options = parser.parse_args()
    ways = dict(measure_all(options.largest))
    if options.json:
        found = {name: [asdict(measured) for measured in way] for name, way in ways.items()}
        options.json.write_text(json.dumps(found, indent=1))
    plot(ways, options.png)


if __name__ == "__main__":
    main()
