"""The files that this process writes, each open once and shared by the scans that go into it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FileNotWritable
from .live_file import LiveFile
from .locks import WriterLock
from .new_file import create_if_missing
from .opening import open_live_file


@dataclass(slots=True)
class _Shared:
    file: LiveFile
    users: int


class OpenFiles:
    """Files by their resolved path; all calls from one thread, the one that uses HDF5."""

    def __init__(self) -> None:
        self._files: dict[Path, _Shared] = {}

    def __len__(self) -> int:
        return len(self._files)

    def acquire(
        self, path: str | os.PathLike[str], root_attributes: Mapping[str, str], *, locked: bool = False
    ) -> LiveFile:
        """The file at ``path``, made with its directories when it does not exist; never truncated.

        A new file gets ``root_attributes`` beside NX_class, file_time, file_name, HDF5_Version and
        h5py_version, and appears complete or not at all. Each call wants one :meth:`release`.
        Raises FileLocked, FileNotWritable, NotHdf5, and FileBroken while another scan has it and it broke;
        FileNotLockable where it has to be ``locked``, cannot be, and is not open here.
        """
        resolved = _resolved(Path(path))
        shared = self._files.get(resolved)
        if shared is None:
            create_if_missing(resolved, root_attributes)
            shared = self._files[resolved] = _Shared(open_live_file(resolved, locked=locked), 0)
        shared.file.check()
        shared.users += 1
        return shared.file

    def refuse_locked(self, path: str | os.PathLike[str]) -> None:
        """Raises FileLocked, FileNotWritable where :meth:`acquire` would, without opening the file."""
        resolved = _resolved(Path(path))
        if resolved not in self._files:
            WriterLock(resolved).release()

    def root_of(self, path: str | os.PathLike[str]) -> Any:
        """The root of a file that is open here and sound; None of any other."""
        shared = self._files.get(_resolved(Path(path)))
        return None if shared is None or shared.file.broken else shared.file.root

    def is_broken(self, path: str | os.PathLike[str]) -> bool:
        """Whether the file broke and some scan has not given it back yet: until then nobody opens it anew."""
        shared = self._files.get(_resolved(Path(path)))
        return shared is not None and shared.file.broken is not None

    def release(self, file: LiveFile) -> None:
        """Give a file back; its last user closes it. FileBroken when that fails, but closed it is."""
        shared = self._files.get(file.path)
        if shared is None or shared.file is not file:
            return
        shared.users -= 1
        if shared.users == 0:
            del self._files[file.path]
            file.close()
        else:
            file.forget_old_metadata()


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        why = str(error)
    raise FileNotWritable(path, why)
