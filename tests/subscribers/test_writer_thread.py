"""The one writer thread of a process."""

from __future__ import annotations

import subprocess
import sys

MANY_ASK_AT_ONCE = """
import gevent
from nexus_writer.concurrency import Thread
from nexus_writer.subscribers.writer_thread import shared_writer_thread

started = Thread.start


def start_on_a_busy_machine(thread, **arguments):
    gevent.sleep(0.05)
    return started(thread, **arguments)


Thread.start = start_on_a_busy_machine

asking = [gevent.spawn(shared_writer_thread) for _ in range(5)]
gevent.joinall(asking, raise_error=True)
assert len({id(greenlet.value) for greenlet in asking}) == 1
"""


def test_sessions_that_begin_at_once_share_it() -> None:
    subprocess.run([sys.executable, "-c", MANY_ASK_AT_ONCE], check=True, timeout=120)
