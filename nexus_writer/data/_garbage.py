"""Rest for the collector of cycles while a large reply is taken apart.

A reply of 10,000 entries is 20,000 lists. The collector looks at each of them again and again as they are
made, though none can be garbage: a third of the CPU of a walk over a backlog. Where replies are waited for
it is not put off.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection"]

_lock = threading.Lock()
_inside: set[object] = set()
_was_on = False


@contextmanager
def no_collection() -> Iterator[None]:
    """Inside, there is none in the whole process. Threads may be inside together: the last one that leaves
    turns it on again, if the first one found it on."""
    global _was_on
    me = object()
    try:  # around all of it: Ctrl-C anywhere leaves it on
        with _lock:
            _was_on = _was_on if _inside else gc.isenabled()
            _inside.add(me)
            gc.disable()
        yield
    finally:
        with _lock:
            _inside.discard(me)
            if _was_on and not _inside:
                gc.enable()
