"""CPU per entry of decoding what BLISS publishes, against unpickling every description and value.

The entries are made from recorded ones: description, field names and pickle of a real channel, with
other numbers in the place of the recorded ones, parsed by hiredis in replies of 2000 as those of XREAD.
Each reply is decoded by both ways, in turn the first, and the points are compared.
Goals, in us of CPU per entry of one number: 0.35 in reads of 100 and more entries a channel, 0.6 in reads
of 10.

    python benchmarks/decoding.py [--json] [--repeats N]
"""

from __future__ import annotations

import argparse
import itertools
import json
import pickle
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hiredis
import numpy as np

from nexus_writer.data._numpy_patterns import parse
from nexus_writer.data.pickles import dumps
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.recording import Recording

CAPTURES = Path(__file__).parent.parent / "tests" / "data" / "captures"
ENTRIES_PER_REPEAT = 20_000
ENTRIES_PER_REPLY = 2_000
BYTES_PER_REPEAT = 64_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """CPU in us per entry, medians over the repeats."""

    case: str
    entries_per_read: int
    decoder_us: float
    unpickler_us: float
    goal_us: float | None = None

    @property
    def ratio(self) -> float:
        return self.unpickler_us / self.decoder_us


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded channel whose points are replaced by ``value`` (None: as many other numbers)."""

    name: str
    recording: str
    channel: str
    entries_per_read: int
    value: np.ndarray[Any, Any] | None = None
    points: int = 1
    goal_us: float | None = None


CASES = [
    Case("one number an entry", "loopscan10", "diode1_data", 1),
    Case("one number an entry", "loopscan10", "diode1_data", 10, goal_us=0.6),
    Case("one number an entry", "loopscan10", "diode1_data", 100, goal_us=0.35),
    Case("one number an entry", "loopscan10", "diode1_data", 1000, goal_us=0.35),
    Case("one uint64 an entry", "dtypes", "uint64_data", 100, goal_us=0.35),
    Case("blocks of 64 numbers", "loopscan10", "diode1_data", 100, np.zeros(64), 64),
    Case("spectra of 1024 uint32 (4 kB)", "mca", "spectrum_det0_data", 100, np.zeros(1024, "u4")),
    Case("vectors of 8 kB", "mca", "spectrum_det0_data", 100, np.zeros(2048, "u4")),
    Case("frames of 1 MB", "dtypes", "img_data", 4, np.zeros((512, 1024), "u2")),
    Case("text", "strings", "str_data", 100),
]


def recorded_fields(recording: str, channel: str) -> list[bytes]:
    """Names and values of the fields of a channel's first entry."""
    for command in itertools.chain.from_iterable(Recording(CAPTURES / recording).transactions):
        mine = command.key.endswith(f":{channel}".encode()) and b"__EVENT__" in command.args
        if command.name == b"XADD" and mine:
            return list(command.args[command.args.index(b"__EVENT__") :])
    raise LookupError(f"{recording} has no channel {channel}")


def fresh_entries(case: Case, fields: Sequence[bytes], start: int, count: int, seed: int) -> list[Any]:
    """Entries as hiredis gives them, with numbers of their own."""
    template = fields[-1] if case.value is None else dumps(case.value)
    layout = parse(template)
    rng = np.random.default_rng(seed)
    reader = hiredis.Reader()
    reader.feed(b"*%d\r\n" % count)
    for index in range(count):
        data = template
        if layout is not None:
            content = rng.integers(0, 100, layout.nbytes // layout.dtype.itemsize).astype(layout.dtype)
            data = template[: layout.offset] + content.tobytes() + template[layout.offset + layout.nbytes :]
        points = b"%d" % case.points
        sent = [*fields[:-1], data]
        sent[sent.index(b"__NPOINTS__") + 1] = points
        reader.feed(b"*2\r\n" + bulk(b"%d-0" % (start + index * case.points + 1)))
        reader.feed(b"*%d\r\n" % len(sent) + b"".join(map(bulk, sent)))
    entries = reader.gets()
    assert isinstance(entries, list)
    return entries


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def unpickled(entries: Sequence[Any]) -> list[Any]:
    """What a reader does that trusts its Redis: descriptions and values."""
    values = []
    for _, fields in entries:
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        pickle.loads(named[b"__DESC__"])
        values.append(pickle.loads(named[b"__DATA__"]))
    return values


def cpu_us(work: Callable[[], Any], entries: int) -> tuple[float, Any]:
    before = time.process_time()
    result = work()
    return (time.process_time() - before) / entries * 1e6, result


def measure(case: Case, repeats: int) -> Result:
    fields = recorded_fields(case.recording, case.channel)
    size = len(fields[-1]) if case.value is None else case.value.nbytes
    entries = min(ENTRIES_PER_REPEAT, BYTES_PER_REPEAT // size)
    reads = max(1, min(ENTRIES_PER_REPLY, entries // 2) // case.entries_per_read)
    per_reply = reads * case.entries_per_read
    decoder = PointDecoder(case.channel)
    ours, theirs = [], []
    for repeat in range(repeats):
        times_us: tuple[list[float], list[float]] = ([], [])
        for reply in range(max(2, entries // per_reply)):
            start = (repeat * entries + reply * per_reply) * case.points
            read = fresh_entries(case, fields, start, per_reply, seed=repeat)
            batches = [
                read[i : i + case.entries_per_read] for i in range(0, per_reply, case.entries_per_read)
            ]
            ways: list[Callable[[], Any]] = [
                lambda: [block for batch in batches for block in decoder.decode(batch)],  # noqa: B023
                lambda: unpickled(read),  # noqa: B023
            ]
            found: list[Any] = [None, None]
            for way in (0, 1) if reply % 2 else (1, 0):
                taken_us, found[way] = cpu_us(ways[way], per_reply)
                times_us[way].append(taken_us)
            check(*found, start, case.points)
        ours.append(statistics.mean(times_us[0]))
        theirs.append(statistics.mean(times_us[1]))
    return Result(
        case.name, case.entries_per_read, statistics.median(ours), statistics.median(theirs), case.goal_us
    )


def check(blocks: Sequence[Any], values: Sequence[Any], start: int, points: int) -> None:
    """The points and their places are the same by both ways."""
    for before, block in itertools.pairwise(blocks):
        assert block.start == before.start + len(before)
    assert blocks[0].start == start
    ours = np.concatenate([block.values for block in blocks])
    theirs = np.concatenate(values) if points > 1 else np.array(values)
    assert np.array_equal(ours, theirs.astype(ours.dtype))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--repeats", type=int, default=7, help="interleaved repeats, at least 5")
    options = parser.parse_args()
    results = [measure(case, max(5, options.repeats)) for case in CASES]
    if options.json:
        print(json.dumps([{**asdict(result), "ratio": result.ratio} for result in results], indent=1))
        return
    print(f"{'':32} {'entries':>8} {'decoder':>9} {'pickle':>9} {'ratio':>6} {'goal':>6}")
    print(f"{'':32} {'a read':>8} {'us/entry':>9} {'us/entry':>9} {'':>6} {'us':>6}")
    for result in results:
        goal = "" if result.goal_us is None else f"{result.goal_us:.2f}"
        if result.goal_us is not None and result.decoder_us > result.goal_us:
            goal += " missed"
        print(
            f"{result.case:32} {result.entries_per_read:8} {result.decoder_us:9.2f} "
            f"{result.unpickler_us:9.2f} {result.ratio:6.1f} {goal:>6}"
        )


if __name__ == "__main__":
    main()
