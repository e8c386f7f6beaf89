"""What it costs to put points into a file, and to make the places for them.

    python benchmarks/hdf5_append.py [--json] [--repeats 5] [--directory /tmp]

CPU time of 1, 10, 100 and 1,000 points an append to 100 channels of float64, a flush after each round:
``GrowingDataset.append``, and plain h5py with the same batches (``resize`` and assignment). Then the time to
make a detector (group, dataset, two attributes, link) in both ways. Medians; a first run does not count.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nexus_writer.hdf5 import GrowingDataset, LiveFile, OpenFiles, create_group, soft_link
from nexus_writer.interpreter import GC_THRESHOLDS
from nexus_writer.model import Block

CHANNELS = 100
DETECTORS = 1000
POINTS_PER_CHANNEL = 1000
BATCHES = (1, 10, 100, 1000)


@contextmanager
def our_file(directory: Path) -> Iterator[LiveFile]:
    files = OpenFiles()
    file = files.acquire(directory / "ours.h5", {})
    yield file
    files.release(file)
    file.path.unlink()


@contextmanager
def plain_file(directory: Path) -> Iterator[Any]:
    path = directory / "h5py.h5"
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        yield file
    path.unlink()


def append_by_us(directory: Path, batch: int) -> float:
    """CPU seconds for one point."""
    values = np.random.default_rng(1).random(batch)
    rounds = max(10, POINTS_PER_CHANNEL // batch)
    with our_file(directory) as file:
        datasets = [
            GrowingDataset(file.root, f"c{i}", "f8", (), scan_shape=(rounds * batch,))
            for i in range(CHANNELS)
        ]
        file.flush()
        started = time.process_time()
        for n in range(rounds):
            for dataset in datasets:
                dataset.append([Block("", n * batch, values)])
            file.flush()
        return (time.process_time() - started) / (rounds * batch * CHANNELS)


def append_by_h5py(directory: Path, batch: int) -> float:
    """CPU seconds for one point."""
    values = np.random.default_rng(1).random(batch)
    rounds = max(10, POINTS_PER_CHANNEL // batch)
    with plain_file(directory) as file:
        chunks = (min(rounds * batch, 131072),)
        datasets = [
            file.create_dataset(f"c{i}", (0,), "f8", maxshape=(None,), chunks=chunks, fillvalue=np.nan)
            for i in range(CHANNELS)
        ]
        file.flush()
        started = time.process_time()
        for n in range(rounds):
            stop = (n + 1) * batch
            for dataset in datasets:
                dataset.resize((stop,))
                dataset[n * batch : stop] = values
            file.flush()
        return (time.process_time() - started) / (rounds * batch * CHANNELS)


def detector_by_us(directory: Path) -> float:
    """CPU seconds for one detector."""
    with our_file(directory) as file:
        entry = create_group(file.root, "1.1", "NXentry")
        instrument = create_group(entry, "instrument", "NXinstrument")
        measurement = create_group(entry, "measurement", "NXcollection")
        started = time.process_time()
        for i in range(DETECTORS):
            group = create_group(instrument, f"d{i}", "NXdetector")
            dataset = GrowingDataset(group, "data", "f8", (), scan_shape=(100,), attributes={"units": "mm"})
            soft_link(measurement, f"d{i}", dataset.path)
        file.flush()
        return (time.process_time() - started) / DETECTORS


def detector_by_h5py(directory: Path) -> float:
    """CPU seconds for one detector."""
    with plain_file(directory) as file:
        instrument, measurement = file.create_group("1.1/instrument"), file.create_group("1.1/measurement")
        started = time.process_time()
        for i in range(DETECTORS):
            group = instrument.create_group(f"d{i}")
            group.attrs["NX_class"] = "NXdetector"
            dataset = group.create_dataset(
                "data", (0,), "f8", maxshape=(None,), chunks=(100,), fillvalue=np.nan
            )
            dataset.attrs["units"] = "mm"
            measurement[f"d{i}"] = h5py.SoftLink(dataset.name)
        file.flush()
        return (time.process_time() - started) / DETECTORS


def measure(repeats: int, directory: Path) -> dict[str, Any]:
    def medians_us(*functions: Callable[[], float]) -> list[float]:
        """Of runs that take turns, so that a noisy moment hits all of them."""
        runs = [[function() * 1e6 for function in functions] for _ in range(repeats + 1)][1:]
        return [round(statistics.median(times), 3) for times in zip(*runs, strict=True)]

    append = {}
    for batch in BATCHES:
        ours, plain = medians_us(
            lambda batch=batch: append_by_us(directory, batch),
            lambda batch=batch: append_by_h5py(directory, batch),
        )
        append[batch] = {
            "cpu_us_per_point": ours,
            "h5py_cpu_us_per_point": plain,
            "cpu_us_per_append": round(ours * batch, 1),
        }
    ours, plain = medians_us(lambda: detector_by_us(directory), lambda: detector_by_h5py(directory))
    return {
        "channels": CHANNELS,
        "append": append,
        "detector": {"cpu_us": round(ours, 1), "h5py_cpu_us": round(plain, 1), "detectors": DETECTORS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where to write (default: a temporary directory)")
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        result = measure(options.repeats, Path(directory))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"CPU us for a point, {CHANNELS} channels, a flush each round")
    print(f"{'points/append':>14} {'ours':>8} {'h5py':>8}   (us for one append of ours)")
    for batch, row in result["append"].items():
        per_append = row["cpu_us_per_append"]
        print(f"{batch:>14} {row['cpu_us_per_point']:>8} {row['h5py_cpu_us_per_point']:>8}   ({per_append})")
    row = result["detector"]
    print(f"CPU us for a detector: ours {row['cpu_us']}, h5py {row['h5py_cpu_us']}")


if __name__ == "__main__":
    main()
