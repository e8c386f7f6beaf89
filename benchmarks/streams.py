"""Streams between two processes, next to what the machine can do, in the same run.

The limits: a bare ZeroMQ socket (PUSH to PULL, tcp) for ``plaindata``, and for ``sharedmem`` a bare ring in
shared memory whose sender writes a byte into a pipe for each chunk: no checks, no numbers, and a sender that
waits for its reader as the stream does. Every kind copies each chunk in and out; a stream also gives it out
as an array of its own. Kinds take turns, so that what else the machine does hits them alike; a ratio is the
median of the ratios of the turns. Each chunk is numbered at both ends; after each turn all numbers are
compared with those that were sent, then each pattern goes once more, and is compared as a whole.

    python -m benchmarks.streams [--repeats N] [--json]
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from nexus_writer.acquisition import InputStream, OutputStream

from ._rows import Row, median, run

RAW, BARE, PLAIN, SHARED = "raw zmq", "bare ring", "plaindata", "sharedmem"
LIMIT_OF = {PLAIN: RAW, SHARED: BARE}
KB, MB = 1 << 10, 1 << 20
CHUNKS = {KB: 40_000, 64 * KB: 8_000, MB: 800, 4 * MB: 200}
RING_CHUNKS = {KB: 1024, 64 * KB: 64, MB: 16, 4 * MB: 8}
PATTERNS = 8
LATENCY_PERIOD_S = 0.005
LATENCIES = 200
SMALL_CHUNKS_S, OF_RAW, OF_BARE, OF_COPY, LATENCY_US = 60_000, 0.8, 0.7, 0.9, 80
SHARED_MB_S = 5000

Chunk = NDArray[np.int64]
Spawned = multiprocessing.get_context("spawn")


class BareRing:
    """Chunks in a file in memory, and a pipe that wakes the reader."""

    def __init__(self, nbytes: int, path: str) -> None:
        self.slots = RING_CHUNKS[nbytes]
        memory = np.memmap(path, np.int64, "r+", shape=(1 + self.slots * nbytes // 8,))
        self.done = memoryview(np.asarray(memory[:1]))  # type: ignore[arg-type]
        self.chunks = np.asarray(memory[1:]).reshape(self.slots, -1)
        self.sent = 0

    def send(self, chunk: Chunk, pipe: int) -> None:
        while self.sent - self.done[0] >= self.slots:
            time.sleep(0)
        self.chunks[self.sent % self.slots] = chunk
        self.sent += 1
        os.write(pipe, b"\0")


def raw_reader(connection: Connection) -> Callable[[Chunk], Chunk]:
    socket = zmq.Context.instance().socket(zmq.PULL)
    connection.send(socket.bind_to_random_port("tcp://127.0.0.1"))

    def receive(into: Chunk) -> Chunk:
        into[:] = np.frombuffer(socket.recv(copy=False).buffer, np.int64)
        return into

    return receive


def bare_reader(nbytes: int, path: str, pipe: Connection) -> Callable[[Chunk], Chunk]:
    ring, descriptor = BareRing(nbytes, path), pipe.fileno()
    done = 0

    def receive(into: Chunk) -> Chunk:
        nonlocal done
        os.read(descriptor, 1)
        into[:] = ring.chunks[done % ring.slots]
        done += 1
        ring.done[0] = done
        return into

    return receive


def plain_reader(params: dict[str, Any]) -> Callable[[Chunk], Chunk]:
    stream = InputStream()
    stream.connect(params)

    def receive(into: Chunk) -> Chunk:
        into[:] = stream.recv()[1][0]  # type: ignore[index]
        return into

    return receive


def shared_reader(params: dict[str, Any]) -> Callable[[Chunk], Chunk]:
    stream = InputStream()
    stream.connect(params)

    def receive(into: Chunk) -> Chunk:
        stream.recv(out=into[None])
        return into

    return receive


@dataclass(frozen=True, slots=True)
class Turn:
    """What a reader saw: the first and the last number of each chunk, when it had each, the last chunk."""

    seen: NDArray[np.int64]
    had_ns: list[int]
    last: NDArray[np.int64]
    cpu_s: float


def read(kind: str, nbytes: int, connection: Connection, *given: Any) -> None:
    """Receive as many chunks as are asked for; each time a Turn goes back, and 0 is the end."""
    readers: dict[str, Callable[[], Callable[[Chunk], Chunk]]] = {
        RAW: lambda: raw_reader(connection),
        BARE: lambda: bare_reader(nbytes, *given),
        PLAIN: lambda: plain_reader(*given),
        SHARED: lambda: shared_reader(*given),
    }
    reader = readers[kind]()
    connection.send("ready")
    into = np.zeros(nbytes // 8, np.int64)
    while count := connection.recv():
        seen, had_ns, chunk, begun_s = [], [], into, time.process_time()
        for _ in range(count):
            chunk = reader(into)
            had_ns.append(time.perf_counter_ns())
            seen += chunk[:: nbytes // 8 - 1].tolist()
        cpu_s = time.process_time() - begun_s
        connection.send(Turn(np.array(seen), had_ns, np.array(chunk), cpu_s))
    os._exit(0)  # nothing of the sockets is to be waited for


class Pair:
    """A sender here, and a reader in a process of its own, until ``kept`` is closed."""

    def __init__(self, kind: str, nbytes: int, kept: ExitStack) -> None:
        self.kind, self.nbytes = kind, nbytes
        self.cpu_us = 0.0
        self._kept = kept
        self._patterns = np.random.default_rng(nbytes).integers(0, 1 << 62, (PATTERNS, nbytes // 8))
        self._connection, far = Spawned.Pipe()
        given, send = self._sender()
        process = Spawned.Process(target=read, args=(kind, nbytes, far, *given), daemon=True)
        process.start()
        kept.callback(process.join)
        kept.callback(self._connection.send, 0)
        if kind == RAW:
            socket = zmq.Context.instance().socket(zmq.PUSH)
            kept.callback(socket.close, 0)
            socket.connect(f"tcp://127.0.0.1:{self._connection.recv()}")
            send = socket.send
        assert self._connection.recv() == "ready"
        self._send: Callable[[Chunk], Any] = send

    def chunks_s(self, count: int) -> float:
        """Copied out in a second, from the first send to the last copy."""
        self._connection.send(count)
        begun_ns, cpu_s = time.perf_counter_ns(), time.process_time()
        for number in range(count):
            chunk = self._patterns[number % PATTERNS]
            chunk[0] = chunk[-1] = number
            self._send(chunk)
        cpu_s = time.process_time() - cpu_s
        turn: Turn = self._connection.recv()
        self._verify(range(count), turn)
        for number in range(PATTERNS):
            self._connection.send(1)
            self._send(self._patterns[number])
            if not np.array_equal(self._connection.recv().last, self._patterns[number]):
                raise SystemExit(f"{self.kind}, {self.nbytes} bytes: a chunk is not what was sent")
        self.cpu_us = 1e6 * (cpu_s + turn.cpu_s) / count
        return count / (turn.had_ns[-1] - begun_ns) * 1e9

    def latency_us(self, count: int = LATENCIES) -> float:
        """From before a send to after the copy, with nothing else on the way; median."""
        self._connection.send(count)
        sent_ns = []
        for number in range(count):
            time.sleep(LATENCY_PERIOD_S)
            chunk = self._patterns[number % PATTERNS]
            chunk[0] = chunk[-1] = now_ns = time.perf_counter_ns()
            sent_ns.append(now_ns)
            self._send(chunk)
        turn: Turn = self._connection.recv()
        self._verify(sent_ns, turn)
        return float(np.median(np.array(turn.had_ns) - np.array(sent_ns))) / 1e3

    def _sender(self) -> tuple[tuple[Any, ...], Callable[[Chunk], Any]]:
        """What the reader is given, and what sends a chunk."""
        if self.kind == RAW:
            return (), lambda _: None
        if self.kind == BARE:
            file = self._kept.enter_context(tempfile.NamedTemporaryFile(dir="/dev/shm"))  # noqa: SIM115
            file.truncate(8 + RING_CHUNKS[self.nbytes] * self.nbytes)
            ring = BareRing(self.nbytes, file.name)
            near, far = Spawned.Pipe(duplex=False)
            return (file.name, near), lambda chunk: ring.send(chunk, far.fileno())
        output = OutputStream()
        mode = {"transfermode": SHARED, "buffer_size": RING_CHUNKS[self.nbytes], "policy": "block"}
        shape = (-1, self.nbytes // 8)
        output.configure(shape=shape, dtype="int64", **(mode if self.kind == SHARED else {}))
        self._kept.callback(output.close)
        return (dict(output.params),), lambda chunk: output.send(chunk[None])

    def _verify(self, numbers: Sequence[int], turn: Turn) -> None:
        if not np.array_equal(turn.seen, np.repeat(numbers, 2)):
            raise SystemExit(f"{self.kind}, {self.nbytes} bytes: these are not the chunks that were sent")


@dataclass(frozen=True, slots=True)
class Speeds:
    """Of one size of chunks, for each turn, by kind."""

    nbytes: int
    chunks_s: list[dict[str, float]]
    latency_us: list[dict[str, float]]
    cpu_us: dict[str, float]

    def mb_s(self, kind: str) -> float:
        return median(turn[kind] for turn in self.chunks_s) * self.nbytes / 1e6

    def ratio(self, kind: str) -> float:
        return median(turn[kind] / turn[LIMIT_OF[kind]] for turn in self.chunks_s)

    def beside(self, kind: str) -> str:
        """What the kind and its limit carry."""
        limit = LIMIT_OF[kind]
        found = f"{self.mb_s(kind):.0f} MB/s; {limit} {self.mb_s(limit):.0f} MB/s"
        return f"{found}; CPU {self.cpu_us[kind]:.1f} us, {limit} {self.cpu_us[limit]:.1f}"


@contextmanager
def pairs(nbytes: int, kinds: Sequence[str]) -> Iterator[dict[str, Pair]]:
    with ExitStack() as kept:
        yield {kind: Pair(kind, nbytes, kept) for kind in kinds}


def speeds(nbytes: int, kinds: Sequence[str], repeats: int) -> Speeds:
    """All kinds in turn, after one that warms them up."""
    count = CHUNKS[nbytes]
    with pairs(nbytes, kinds) as of:
        for pair in of.values():
            pair.chunks_s(max(PATTERNS, count // 10))
        turns = [{kind: pair.chunks_s(count) for kind, pair in of.items()} for _ in range(repeats)]
        timed = [kind for kind in (BARE, SHARED) if kind in of and nbytes <= 64 * KB]
        waits = [{kind: of[kind].latency_us() for kind in timed} for _ in range(repeats)]
        return Speeds(nbytes, turns, waits, {kind: pair.cpu_us for kind, pair in of.items()})


def rows(repeats: int) -> list[Row]:
    """S1 to S7."""
    small, middle = (speeds(size, (BARE, SHARED, RAW, PLAIN), repeats) for size in (KB, 64 * KB))
    bare_mb_s = middle.mb_s(BARE)
    goal = min(SHARED_MB_S, OF_BARE * bare_mb_s)
    made = [
        _row("S1", "plaindata, 1 KB", SMALL_CHUNKS_S, small.mb_s(PLAIN) * 1e6 / KB, "chunks/s", small, PLAIN),
        _row("S2", "plaindata, 64 KB", OF_RAW, middle.ratio(PLAIN), "x raw zmq", middle, PLAIN),
        _row("S3", "sharedmem, 64 KB", goal, middle.mb_s(SHARED), "MB/s", middle, SHARED),
    ]
    for key, found in ("S4", small), ("S5", middle):
        us, bare_us = (median(turn[kind] for turn in found.latency_us) for kind in (SHARED, BARE))
        what = f"sharedmem, {found.nbytes // KB} KB, latency"
        made.append(Row(key, what, LATENCY_US, us, "us", f"bare ring {bare_us:.0f} us"))
    for key, size in ("S6", MB), ("S7", 4 * MB):
        large = speeds(size, (BARE, SHARED), repeats)
        what = f"sharedmem, {size // MB} MB"
        made.append(_row(key, what, OF_COPY, large.ratio(SHARED), "x bare ring", large, SHARED))
    return made


def _row(key: str, what: str, goal: float, measured: float, unit: str, found: Speeds, kind: str) -> Row:
    return Row(key, what, goal, measured, unit, found.beside(kind), at_least=True, cpu_us=found.cpu_us[kind])


if __name__ == "__main__":
    run(rows, __doc__)
