"""A file for users who read it while it is written.

A reader that comes while the writer flushes may meet a page of metadata from before and one from after: then
HDF5 raises an error, of nearly any kind, or finds fill values where points are (measured with a writer that
does nothing but flush: 94 % of all walks failed, and 1 % of the datasets were wrong without an error). All is
whole a moment later. So a reading counts when

* it went without an error, through a handle that was opened after the last change of the file, and the file
  did not change meanwhile; or else when
* the next one, a moment later and through another handle, finds the same again. It may find more rows: what
  was written once stays.

Where a file changes too fast for either, the last of ``HURRIED_TRIES`` counts.

An error in a file that rests is a true one: it is raised when it came twice. No lock is taken, so that
nobody is hindered, and a file that another program has locked can be read too. Groups are listed in a way
that HDF5 survives, see :func:`names_in`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np

from ._library import h5py
from .causes import cause_text
from .errors import Unreadable

T = TypeVar("T")

PATIENCE_S = 10.0
HURRIED_TRIES = 20
HURRIED_S = 2.0
AT_REST_S = 0.05
"""A file that was not written for so long is between two flushes; larger than the tick of a file's time."""
DEAD_S = 1.0
"""Nobody is about to complete a flush of a file that was not written for so long."""
_BETWEEN_TRIES_S = 0.01
_FLUSH_S = 0.03
"""A flush is over then, mostly."""
_NOTHING = object()
_MAY_PASS = (OSError, RuntimeError, KeyError, ValueError)

_Stamp = tuple[int, int, int]


class _Handle:
    """The open file, opened anew whenever it has changed."""

    def __init__(self, path: Path, patience_s: float) -> None:
        self.path = path
        self._patience_s = patience_s
        self._file: Any = None
        self._opened_at: _Stamp | None = None

    def read(self, function: Callable[[Any], T]) -> T:
        """See :meth:`LiveReader.read`."""
        started = time.monotonic()
        tries = failed_at_rest = 0
        earlier: Any = _NOTHING
        while True:
            before = self._stamp()
            try:
                result = function(self._fresh(before))
            except _MAY_PASS as caught:
                self.drop()
                error: Exception = caught
            else:
                tries += 1
                hurried = tries >= HURRIED_TRIES or time.monotonic() - started > HURRIED_S
                if hurried or self._stamp() == before:
                    return result
                if earlier is not _NOTHING and _holds(result, earlier):
                    return cast("T", earlier)
                earlier = result
                self.drop()
                time.sleep(_FLUSH_S)
                continue
            lacks = isinstance(error, KeyError | ValueError)
            failed_at_rest += self._rests(before, AT_REST_S if lacks else DEAD_S) and self._stamp() == before
            if failed_at_rest > 1 or time.monotonic() - started > self._patience_s:
                raise error if lacks else Unreadable(self.path, cause_text(error))
            time.sleep(_BETWEEN_TRIES_S)

    def drop(self) -> None:
        """Close the file, until it is read again."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(*_MAY_PASS):
                file.close()

    def _fresh(self, now: _Stamp) -> Any:
        """A handle that was opened after the last change."""
        if self._file is not None and self._opened_at == now:
            return self._file
        self.drop()
        self._file = _open(self.path)
        self._opened_at = now if self._rests(now) else None
        return self._file

    def _stamp(self) -> _Stamp:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino

    @staticmethod
    def _rests(stamp: _Stamp, since_s: float = AT_REST_S) -> bool:
        """Whether the file had rested for so long; if so, a later change has another stamp."""
        return time.time() - stamp[0] / 1e9 > since_s


class LiveItem:
    """A group or a dataset by its path; nothing of it is kept open."""

    def __init__(self, handle: _Handle, name: str) -> None:
        self._handle = handle
        self.name = name

    @property
    def attrs(self) -> Mapping[str, Any]:
        """All attributes as they are now."""
        return self._read(lambda item: {name: item.attrs[name] for name in _attribute_names(item)})

    def _read(self, function: Callable[[Any], T]) -> T:
        return self._handle.read(lambda file: function(file[self.name]))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._handle.path}::{self.name}>"


class LiveGroup(LiveItem, Mapping[str, Any]):
    """A group: names to :class:`LiveGroup` and :class:`LiveDataset`, by paths too."""

    def __getitem__(self, name: str) -> LiveGroup | LiveDataset:
        path = self._path(name)
        is_group = self._handle.read(lambda file: isinstance(file[path], h5py.Group))
        return LiveGroup(self._handle, path) if is_group else LiveDataset(self._handle, path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._read(names_in))

    def __len__(self) -> int:
        return self._read(len)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._handle.read(lambda file: self._path(name) in file)

    def visititems(self, function: Callable[[str, LiveGroup | LiveDataset], T | None]) -> T | None:
        """Call ``function`` for all that is below, until it returns something else than None."""
        found: list[tuple[str, bool]] = self._read(_names_below)
        for name, is_group in found:
            kind = LiveGroup if is_group else LiveDataset
            result = function(name, kind(self._handle, self._path(name)))
            if result is not None:
                return result
        return None

    def _path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self.name.rstrip('/')}/{name}"


class LiveDataset(LiveItem):
    """A dataset. ``dataset[...]`` and ``dataset.asstr()[...]`` read, as those of h5py do."""

    def __init__(self, handle: _Handle, name: str, *, as_text: bool = False) -> None:
        super().__init__(handle, name)
        self._as_text = as_text

    def __getitem__(self, selection: Any) -> Any:
        return self._read(lambda item: (item.asstr() if self._as_text else item)[selection])

    def asstr(self) -> LiveDataset:
        """The same, of texts as str."""
        return LiveDataset(self._handle, self.name, as_text=True)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._read(lambda item: tuple(item.shape))

    @property
    def dtype(self) -> Any:
        return self._read(lambda item: item.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self._read(len)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        values = self[()]
        return values if dtype is None else values.astype(dtype)


class LiveReader(LiveGroup):
    """What :func:`open_live` gives: the root group of a file, in the manner of h5py. One thread at a time.

    Each access shows the file as it is then. For several that belong together, or for what has no
    counterpart here, :meth:`read` hands out the h5py.File itself.
    """

    def __init__(self, path: Path, patience_s: float) -> None:
        super().__init__(_Handle(path, patience_s), "/")
        self.path = path

    def read(self, function: Callable[[Any], T]) -> T:
        """What ``function`` returns of the open h5py.File; it may be called several times.

        It must not return h5py objects: they end with the handle; and :func:`names_in` lists a group without
        danger, where ``list(group)`` may end the process. Raises Unreadable when the file cannot be
        read, KeyError for a name that it does not have, FileNotFoundError.
        """
        return self._handle.read(function)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Another access opens it again."""
        self._handle.drop()


def open_live(path: str | os.PathLike[str], *, patience_s: float = PATIENCE_S) -> LiveReader:
    """Open a file for reading that may be written meanwhile; to be used in ``with``.

    What a reader meets of a flush under way is read again, for ``patience_s`` at most. Raises
    FileNotFoundError, and Unreadable for what is no HDF5 file or cannot be opened.
    """
    reader = LiveReader(Path(path), patience_s)
    reader.read(len)
    return reader


def _open(path: Path) -> Any:
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking" not in str(error):
            raise
    return h5py.File(path, "r")  # this process has it open already, with a lock


def names_in(group: Any) -> list[str]:
    """The names in a group of a file that may be written meanwhile.

    In the order of HDF5's own index first: for any other, HDF5 makes a table of as many names as the group
    said it has, and where there are more by now it writes beyond that table and takes the process down
    (measured with ``list(group)``: once in 600 walks).
    """
    names: list[bytes] = []
    group.id.links.iterate(names.append, order=h5py.h5.ITER_NATIVE)
    return sorted(name.decode() for name in names)


def _attribute_names(item: Any) -> list[str]:
    names: list[bytes] = []
    h5py.h5a.iterate(item.id, lambda name, *_: names.append(name), order=h5py.h5.ITER_NATIVE)
    return sorted(name.decode() for name in names)


def _names_below(group: Any) -> list[tuple[str, bool]]:
    """All that is below by hard links, as h5py visits it."""
    found: list[tuple[str, bool]] = []
    for name in names_in(group):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item = group[name]
        is_group = isinstance(item, h5py.Group)
        found.append((name, is_group))
        if is_group:
            found += [(f"{name}/{below}", is_one) for below, is_one in _names_below(item)]
    return found


def _holds(later: Any, earlier: Any) -> bool:
    """Whether what was found earlier is found later too, in the same place."""
    try:
        if isinstance(earlier, np.ndarray) and isinstance(later, np.ndarray) and later.ndim == earlier.ndim:
            later = later[tuple(map(slice, earlier.shape))]
            return np.array_equal(later, earlier, equal_nan=earlier.dtype.kind in "fc")
        return bool(later == earlier)
    except (ValueError, TypeError):
        return False
