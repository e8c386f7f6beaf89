"""The interpreter's own locks and thread-local storage, even where somebody patched ``threading``."""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING

from gevent.monkey import get_original

if TYPE_CHECKING:
    allocate_lock = _thread.allocate_lock
    ThreadLocal = threading.local
else:
    allocate_lock = get_original("_thread", "allocate_lock")
    ThreadLocal = get_original("_thread", "_local")

__all__ = ["ThreadLocal", "allocate_lock"]
