"""What leaves the package when something goes wrong."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from nexus_writer.hdf5 import FileBroken, LiveFile, create_group, write_value
from nexus_writer.hdf5._guard import guarded


class Thing:
    pass


def test_an_error_keeps_nothing_that_the_call_was_given() -> None:
    @guarded
    def fail(thing: Thing) -> None:
        local = thing
        try:
            raise KeyError(local)
        except KeyError:
            raise ValueError("no") from None

    thing = Thing()
    gone = weakref.ref(thing)
    gc.disable()  # nor in a cycle
    try:
        fail(thing)
    except ValueError as caught:
        error = caught
    finally:
        gc.enable()
    del thing
    assert gone() is None
    assert "in fail" in error.__notes__[0]


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_a_failed_write_breaks_the_file_it_was_for(live: LiveFile, kind: type[Exception]) -> None:
    @guarded
    def fail(group: Any) -> None:
        raise kind("Can't write (file write failed: fd = 3, errno = 28, error message = 'No space')")

    entry = create_group(live.root, "1.1", "NXentry")
    with pytest.raises(FileBroken, match=r"scan\.h5 failed \(No space left on device, ENOSPC\)"):
        fail(entry)
    with pytest.raises(FileBroken):
        live.flush()


def test_other_errors_break_nothing(live: LiveFile) -> None:
    with pytest.raises(AttributeError):
        write_value(None, "x", 1)
    live.flush()
