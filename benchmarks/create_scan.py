"""What it costs to create a scan in its file: a group, a dataset, attributes and links for each detector.

    python benchmarks/create_scan.py [--json] [--detectors 1000] [--repeats 15] [--directory /tmp]

A detector is a sampling counter as BLISS publishes it: the group with its class, the dataset with unit and
full name, the link ``data`` and the link in ``measurement``; in the second row also the texts ``type`` and
``mode``. CPU time of one, flush included, by the layout of a scan, and by plain h5py in the same run: the
ratio tells what the code costs, the microseconds also how busy the machine is. The third row is what the
first point of a channel costs on top of it. Medians; a first run does not count. The classic writer takes
3 ms for a channel.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nexus_writer.hdf5 import ChunkOptions, OpenFiles
from nexus_writer.interpreter import GC_THRESHOLDS
from nexus_writer.layout import LayoutOptions
from nexus_writer.layout.entry import Entry
from nexus_writer.model import Block, ChannelDescription, Scan

LIMIT_US = 150
CLASSIC_US = 3000
NPOINTS = 1000
OURS = "ours.h5"
PLAIN = "h5py.h5"
TEXTS = {"type": "samplingcounter", "mode": "MEAN"}


def scan_of(names: list[str], texts: dict[str, str]) -> Scan:
    counter = {"device_type": "samplingcounter", "data_type": "signal", "device_info": texts}
    info = {
        "title": "loopscan",
        "npoints": NPOINTS,
        "acquisition_chain": {"timer": {"devices": ["1:timer", "2:ctl"]}},
        "devices": {
            "1:timer": {"channels": ["timer:elapsed_time"], "triggered_devices": ["2:ctl"]},
            "2:ctl": {"channels": names},
        },
        "channels": {name: {"device": "2:ctl", "dim": 0, "unit": "V"} for name in names},
        "nexuswriter": {"devices": dict.fromkeys(names, counter)},
    }
    return Scan.from_info(info, "session:1_loopscan")


def by_the_layout(directory: Path, detectors: int, texts: dict[str, str]) -> tuple[float, float]:
    """CPU seconds for a detector, and for its first point."""
    names = [f"ctl:diode{number}" for number in range(detectors)]
    scan = scan_of(names, texts)
    described = [ChannelDescription(f"{scan.key}:timer:{n}", n, np.dtype(float), (), "V") for n in names]
    points = [Block(channel.key, 0, np.array([1.0])) for channel in described]
    files = OpenFiles()
    file = files.acquire(directory / OURS, {})
    entry = Entry(file.root, scan, scan.subscans[0], LayoutOptions(), ChunkOptions(), print)
    file.flush()
    started = time.process_time()
    channels = [entry.add_channel(channel) for channel in described]
    for channel, point in zip(channels, points, strict=True):
        entry.create_dataset(channel, point)
    file.flush()
    created = time.process_time()
    for channel, point in zip(channels, points, strict=True):
        entry.append(channel, [point])
    file.flush()
    ended = time.process_time()
    files.release(file)
    return (created - started) / detectors, (ended - created) / detectors


def by_h5py(directory: Path, detectors: int, texts: dict[str, str]) -> float:
    """CPU seconds for a detector."""
    with h5py.File(directory / PLAIN, "w", libver=("v108", "v110")) as file:
        instrument, measurement = file.create_group("1.1/instrument"), file.create_group("1.1/measurement")
        file.flush()
        started = time.process_time()
        for number in range(detectors):
            group = instrument.create_group(f"diode{number}")
            group.attrs["NX_class"] = "NXdetector"
            for name, text in texts.items():
                group[name] = text
            dataset = group.create_dataset(
                "signal", (0,), "f8", maxshape=(None,), chunks=(NPOINTS,), fillvalue=np.nan
            )
            dataset.attrs["fullname"] = f"ctl:diode{number}"
            dataset.attrs["units"] = "V"
            group["data"] = h5py.SoftLink("signal")
            measurement[f"diode{number}"] = h5py.SoftLink(dataset.name)
        file.flush()
        return (time.process_time() - started) / detectors


def run(detectors: int, texts: dict[str, str], directory: Path) -> tuple[float, float, float]:
    """CPU seconds: a detector of ours, its first point, a detector of h5py's."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        ours, point = by_the_layout(Path(own), detectors, texts)
        return ours, point, by_h5py(Path(own), detectors, texts)


def measure(detectors: int, repeats: int, directory: Path) -> dict[str, Any]:
    """Medians; the two kinds of detectors in turns, the first turn does not count."""
    result: dict[str, Any] = {"detectors": detectors, "limit_us": LIMIT_US, "classic_us": CLASSIC_US}
    kinds = {"detector": {}, "with_texts": TEXTS}
    turns = [
        {name: run(detectors, texts, directory) for name, texts in kinds.items()} for _ in range(repeats + 1)
    ]
    for name in kinds:
        runs = [turn[name] for turn in turns[1:]]
        ours, point, plain = (round(statistics.median(times) * 1e6, 1) for times in zip(*runs, strict=True))
        ratio = round(statistics.median(ours / plain for ours, _, plain in runs), 3)
        result[name] = {
            "cpu_us": ours,
            "h5py_cpu_us": plain,
            "ratio": ratio,
            "first_point_cpu_us": point,
            "met": ours <= LIMIT_US,
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--detectors", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--directory", type=Path, help="where to write (default: a temporary directory)")
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        result = measure(options.detectors, options.repeats, Path(directory))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    bare, full = result["detector"], result["with_texts"]
    classic_s = CLASSIC_US * options.detectors / 1e6
    ours_s = full["cpu_us"] * options.detectors / 1e6
    print(f"CPU us for each of {options.detectors} detectors (at most {LIMIT_US} wanted)")
    print(f"{'':34} {'ours':>8} {'h5py':>8} {'ratio':>8}")
    for what, row in (("group, dataset, attributes, links", bare), ("the same with type and mode", full)):
        print(f"{what:34} {row['cpu_us']:>8} {row['h5py_cpu_us']:>8} {row['ratio']:>8}")
    print(f"{'the first point of a channel':34} {bare['first_point_cpu_us']:>8}")
    print(f"the scan: {ours_s:.2f} s; at the classic writer's 3 ms for a channel {classic_s:.1f} s")


if __name__ == "__main__":
    main()
