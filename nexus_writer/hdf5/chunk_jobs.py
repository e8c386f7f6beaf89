"""Full chunks of one file on their way through threads that compress them.

A chunk that is under way is in the file at the latest when the file is flushed: :meth:`ChunkJobs.settle` is
part of a flush. Until then the last flush holds, in which a chunk that lay there uncompressed still does. So
nothing of what readers were promised waits for a thread.

A chunk that could not be compressed there (no memory, a filter that fails) is given to HDF5 as it is, which
puts it through its own filters, or stores it without those that fail.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from .compression_threads import CompressionThreads, compression_threads
from .encoding import Step, encoded
from .errors import FileFailed
from .storage import Storage

logger = logging.getLogger(__name__)

Values = Callable[[], npt.NDArray[Any]]
"""What gives the values of a chunk in any thread, when they are wanted. Raises FileFailed."""


@dataclass(frozen=True, slots=True)
class _Job:
    dataset: Any
    storage: Storage
    corner: tuple[int, ...]
    values: Values


class ChunkJobs:
    """Those of one file; for the thread that writes it. Raises what h5py does when a write fails."""

    def __init__(self, threads: CompressionThreads = compression_threads) -> None:
        self._threads = threads
        self._jobs: deque[tuple[_Job, Future[npt.NDArray[Any]]]] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def write(
        self,
        dataset: Any,
        storage: Storage,
        steps: tuple[Step, ...],
        corner: tuple[int, ...],
        values: Values,
    ) -> None:
        """A chunk from ``corner`` on, that lacks values only beyond the end of the dataset.

        Where memory is short earlier ones are waited for. The ``values`` must stay as they are until the
        next flush.
        """
        while self._jobs and self._jobs[0][1].done():
            self._settle_first()
        work = partial(_encoded, values, storage, steps)
        data = self._threads.submit(work, storage.chunk_nbytes)
        while data is None and self._jobs:
            self._settle_first()
            data = self._threads.submit(work, storage.chunk_nbytes)
        job = _Job(dataset, storage, corner, values)
        if data is not None:
            self._jobs.append((job, data))
        else:  # other files have all of the memory
            _write(job, work)

    def is_waited_for(self) -> bool:
        """Whether :meth:`settle` would wait."""
        return any(not data.done() for _, data in self._jobs)

    def wait(self, pause: Callable[[], None]) -> None:
        """Others go on in each ``pause``, until :meth:`settle` would not wait: that stops everybody."""
        while self.is_waited_for():
            pause()

    def settle(self) -> None:
        """Write all of them, waiting for those that are under way."""
        while self._jobs:
            self._settle_first()

    def drop(self) -> None:
        """The file takes no more."""
        while self._jobs:
            job, data = self._jobs.popleft()
            data.cancel()
            self._threads.taken(job.storage.chunk_nbytes)

    def _settle_first(self) -> None:
        job, data = self._jobs.popleft()
        try:
            _write(job, data.result)
        finally:
            self._threads.taken(job.storage.chunk_nbytes)


def _encoded(values: Values, storage: Storage, steps: tuple[Step, ...]) -> npt.NDArray[Any]:
    return encoded(values(), storage, steps)


def _write(job: _Job, encode: Callable[[], npt.NDArray[Any]]) -> None:
    try:
        data = encode()
    except FileFailed:
        raise
    except Exception as error:
        logger.warning("A chunk is left to HDF5 to be compressed: %s: %s", type(error).__name__, error)
        write_box(job.dataset, job.corner, job.values(), job.storage)
    else:
        job.dataset.write_direct_chunk(job.corner, data)


def write_box(dataset: Any, start: tuple[int, ...], values: npt.NDArray[Any], storage: Storage) -> None:
    """A box of the shape of ``values`` from the element ``start`` on, by HDF5."""
    in_file = dataset.get_space()
    in_file.select_hyperslab(start, values.shape)
    dataset.write(
        h5py.h5s.create_simple(values.shape), in_file, np.ascontiguousarray(values), storage.memory_type
    )
