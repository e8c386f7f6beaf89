"""Processes that are asked by messages, and answer by messages.

A frontend makes a MessageProcess and starts it; its methods ``c__<command>`` are run in the backend. How a
process is started (fork, forkserver, spawn) makes no difference. A death on either side is known to the other
at once. Nothing here needs more than the standard library.
"""

from ._frontend import Duplex, FrontPipe
from ._reaper import stop_all
from .async_process import AsyncBackMessageProcess
from .errors import (
    AlreadyStarted,
    BackendDied,
    NotEnoughEvents,
    NotStarted,
    ProcessError,
    RemoteError,
    RemoteTraceback,
    SendTimeout,
    UnknownCommand,
)
from .event_group import EventGroup
from .exclog import exclog
from .main_context import MainContext
from .message import MessageObject
from .message_process import MessageProcess
from .pipe import MessagePipe
from .process_event import ProcessEvent
from .reply import Reply
from .safe_select import safe_select
from .sync_index import SyncIndex

__all__ = [
    "AlreadyStarted",
    "AsyncBackMessageProcess",
    "BackendDied",
    "Duplex",
    "EventGroup",
    "FrontPipe",
    "MainContext",
    "MessageObject",
    "MessagePipe",
    "MessageProcess",
    "NotEnoughEvents",
    "NotStarted",
    "ProcessError",
    "ProcessEvent",
    "RemoteError",
    "RemoteTraceback",
    "Reply",
    "SendTimeout",
    "SyncIndex",
    "UnknownCommand",
    "exclog",
    "safe_select",
    "stop_all",
]
