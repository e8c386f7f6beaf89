"""Locks, events, queues and threads that greenlets of several hubs share.

Everything here may be used by greenlets of any hub, and by plain threads that know nothing of gevent.
Nothing polls, nothing needs monkey patching. Times are seconds; a timeout of None has no limit, 0 is a try.
"""

from queue import Empty, Full

from .async_result import AsyncResult
from .call import Call
from .errors import CallKilled, ConcurrencyError, ThreadEnded
from .event import Event
from .hub_trigger import HubTrigger
from .launcher import Launcher
from .lock import Lock, RLock
from .queue import Queue
from .thread import Thread
from .thread_resource import ThreadResource

__all__ = [
    "AsyncResult",
    "Call",
    "CallKilled",
    "ConcurrencyError",
    "Empty",
    "Event",
    "Full",
    "HubTrigger",
    "Launcher",
    "Lock",
    "Queue",
    "RLock",
    "Thread",
    "ThreadEnded",
    "ThreadResource",
]
