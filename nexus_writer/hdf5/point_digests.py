"""SHA-256 of the points of a dataset, a block of points at a time, made as they are written.

What is digested are the values as a reader finds them: in C order, in the type of the file, filled up where
points are smaller than others, fill values where points never came; of a text its UTF-8 bytes and a 0. So
whoever has the file can repeat it without knowing how it came about.

A block is digested while its points are in memory when they come in order and as wide as the dataset will be;
where all of them come at once by one of the threads that compress, while this one writes them. Others are
read back, once, when no more points come: those with a gap in them, or with points that came late, and those
that were written before a larger point made the dataset wider.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from math import prod
from typing import Any

import numpy.typing as npt

from .compression_threads import CompressionThreads, compression_threads
from .handed_over import HandedOver
from .storage import Storage

BLOCK_POINTS = 2**14
BLOCK_NBYTES = 2**20
DIGEST_NBYTES = 32
PIECE_NBYTES = 2**24
MOST_READ_BACK_NBYTES = 2**30
"""Of one dataset: reading back stops the writing of everything else, some 4 s for so much (250 MB/s)."""

LEAST_NBYTES = 2**18
"""Fewer take longer on the way to another thread than they need."""

MOST_BLOCKS = 2**20
"""Their digests are 32 MB."""


@dataclass(frozen=True, slots=True)
class Digests:
    """``sha256`` holds 32 bytes for each ``block`` points of the first ``points``; the last block may be
    shorter. A point has ``size`` values, a text is one."""

    points: int
    size: int
    block: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class _Job:
    """Blocks that are under way: their digests belong at ``offset`` of a ``run``."""

    run: bytearray
    offset: int
    blocks: range
    digests: HandedOver[bytes]


class PointDigests:
    """Follows what is written to one dataset: :meth:`add` everything, in the order of writing.

    The values must stay as they are.
    """

    __slots__ = (
        "_block",
        "_hash",
        "_jobs",
        "_late",
        "_next",
        "_runs",
        "_storage",
        "_threads",
        "_whole",
        "_widths",
    )

    def __init__(self, storage: Storage, threads: CompressionThreads = compression_threads) -> None:
        self._storage = storage
        self._threads = threads
        self._jobs: deque[_Job] = deque()
        self._widths: tuple[int, ...] | None = None
        self._block = 0
        self._next = 0
        self._hash = sha256()
        self._whole = True
        """Whether ``_hash`` has all points of the last block so far."""
        self._runs: list[tuple[int, bytearray]] = [(0, bytearray())]
        """Number of the first block, and digests from there on; the last run is the one that grows."""
        self._late: set[int] = set()
        """Blocks that have a digest and got other points since."""

    def add(self, start: int, values: npt.NDArray[Any], widths: tuple[int, ...]) -> None:
        """The points from ``start`` on were written, ``values`` with the dataset's type; the dataset has
        points of the shape ``widths`` now."""
        if self._jobs:
            self._settle(done=True)
        if widths != self._widths:
            self._widen(widths)
        if values.shape[1:] != widths:
            values = _filled_up(values, widths, self._storage)
        if start < self._next:
            self._spoil(start, start + len(values))
            return
        if start > self._next:
            self._skip_to(start)
        done = 0
        while done < len(values):
            room = self._block - self._next % self._block
            if room == self._block and (count := self._begin_job(values[done:])):
                done += count
                continue
            part = values[done : done + room]
            if self._whole:
                self._hash.update(canonical(part))
            done += len(part)
            self._next += len(part)
            if len(part) == room:
                self._complete()

    def result(
        self,
        read: Callable[[int, int], npt.NDArray[Any]] | None = None,
        gaps: Sequence[tuple[int, int]] = (),
    ) -> Digests | None:
        """Of all points so far; ``read`` gives the points [start, stop) as they are in the file. Blocks that
        lie wholly in one of the ``gaps`` are not read: they are alike.

        None when there are too many, or too much to read back, and for long doubles, which have bytes without
        a meaning.
        """
        if self._storage.dtype.char in "gG":
            return None
        self._settle()
        points, block = self._next, max(1, self._block)
        size = prod(self._widths or ())
        digests = dict(self._known())
        if points % block and self._whole:
            digests[points // block] = self._hash.digest()
        number = -(-points // block)
        if number > MOST_BLOCKS:
            return None
        digests = dict(self._empty(gaps, number)) | digests
        lacking = number - len(digests)
        if lacking:
            if read is None or lacking * block * self._point_nbytes > MOST_READ_BACK_NBYTES:
                return None
            for start, stop in _ranges(number, digests):
                digests |= self._read_back(start, stop, read)
        return Digests(points, size, block, b"".join(digests[one] for one in range(number)))

    def _begin_job(self, values: npt.NDArray[Any]) -> int:
        """Have whole blocks of points digested by another thread; their points. 0: it is to be done here."""
        count = len(values) // self._block
        values = values[: count * self._block]
        if values.nbytes < LEAST_NBYTES or values.dtype.kind == "O":
            return 0
        digests = HandedOver(partial(_digests_of, values, self._block), values.nbytes)
        if not digests.begin(self._threads):
            return 0
        run, first = self._runs[-1][1], self._next // self._block
        self._jobs.append(_Job(run, len(run), range(first, first + count), digests))
        run.extend(bytes(count * DIGEST_NBYTES))
        self._next += len(values)
        return len(values)

    def _settle(self, *, done: bool = False) -> None:
        """All jobs, or those that are ``done``."""
        while self._jobs and (not done or self._jobs[0].digests.is_done()):
            job = self._jobs.popleft()
            try:
                digests = job.digests.result()
            except Exception:  # there was no memory: read back
                self._late.update(job.blocks)
            else:
                job.run[job.offset : job.offset + len(digests)] = digests

    def _known(self) -> Iterator[tuple[int, bytes]]:
        for first, run in self._runs:
            for index in range(len(run) // DIGEST_NBYTES):
                if first + index not in self._late:
                    yield first + index, bytes(run[index * DIGEST_NBYTES : (index + 1) * DIGEST_NBYTES])

    def _empty(self, gaps: Sequence[tuple[int, int]], number: int) -> Iterator[tuple[int, bytes]]:
        """Digests of the blocks in which no point came."""
        digest = b""
        for start, stop in gaps:
            for block in range(-(-start // self._block), min(stop // self._block, number)):
                if not digest:
                    values = self._storage.empty((self._block, *(self._widths or ())))
                    digest = sha256(canonical(values)).digest()
                yield block, digest

    def _read_back(
        self, first: int, stop: int, read: Callable[[int, int], npt.NDArray[Any]]
    ) -> Iterator[tuple[int, bytes]]:
        """Digests of the blocks [first, stop)."""
        blocks = max(1, PIECE_NBYTES // (self._block * self._point_nbytes))
        for piece in range(first, stop, blocks):
            start = piece * self._block
            values = read(start, min(self._next, min(piece + blocks, stop) * self._block))
            for number, offset in enumerate(range(0, len(values), self._block)):
                yield piece + number, sha256(canonical(values[offset : offset + self._block])).digest()

    @property
    def _point_nbytes(self) -> int:
        return max(1, prod(self._widths or ())) * self._storage.dtype.itemsize

    def _complete(self) -> None:
        """The last block is full."""
        if self._whole:
            self._runs[-1][1].extend(self._hash.digest())
        else:
            self._begin_run()
        self._hash, self._whole = sha256(), True

    def _begin_run(self) -> None:
        """Digests come again from the block of the next point on."""
        number = self._next // self._block
        if self._runs[-1][1]:
            self._runs.append((number, bytearray()))
        else:
            self._runs[-1] = (number, bytearray())

    def _skip_to(self, start: int) -> None:
        """Points lack before ``start``."""
        number = self._next // self._block
        self._next = start
        self._whole = False
        if start // self._block > number:
            self._begin_run()
            self._hash, self._whole = sha256(), start % self._block == 0

    def _spoil(self, start: int, stop: int) -> None:
        """Points before the last one were written."""
        last = self._next // self._block
        for number in range(start // self._block, -(-stop // self._block)):
            if number < last:
                self._late.add(number)
            else:
                self._whole = False

    def _widen(self, widths: tuple[int, ...]) -> None:
        """Points so far are filled up in the file: what is known of them is past.

        Blocks have the length that fits the widest point, so that a scan that is gone on with has the same.
        """
        self._settle()
        self._widths = widths
        fitting = max(1, BLOCK_NBYTES // self._point_nbytes)
        self._block = min(BLOCK_POINTS, 1 << (fitting.bit_length() - 1))
        if self._next:
            self._runs, self._late = [(self._next // self._block, bytearray())], set()
            self._hash, self._whole = sha256(), self._next % self._block == 0


def _digests_of(values: npt.NDArray[Any], block: int) -> bytes:
    """Of whole blocks of points."""
    parts = (values[start : start + block] for start in range(0, len(values), block))
    return b"".join(sha256(canonical(part)).digest() for part in parts)


def canonical(values: npt.NDArray[Any]) -> Any:
    """The bytes of ``values``, contiguous, that are digested; texts may be bytes, as read from a file."""
    if values.dtype.kind != "O":
        return values.reshape(-1)
    texts = values.ravel().tolist()
    if texts and isinstance(texts[0], bytes):
        return b"".join(text + b"\0" for text in texts)
    return "".join(f"{text}\0" for text in texts).encode()


def _filled_up(values: npt.NDArray[Any], widths: tuple[int, ...], storage: Storage) -> npt.NDArray[Any]:
    filled = storage.empty((len(values), *widths))
    filled[tuple(map(slice, values.shape))] = values
    return filled


def _ranges(number: int, known: dict[int, bytes]) -> Iterator[tuple[int, int]]:
    """The blocks [start, stop) below ``number`` that are not known."""
    start = None
    for block in range(number):
        if block in known and start is not None:
            yield start, block
            start = None
        elif block not in known and start is None:
            start = block
    if start is not None:
        yield start, number
