"""``nexus-writer watch``: the scans of a session, as they happen."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.happenings import Happening
from nexus_writer.data.scan_watch import Watch
from nexus_writer.data.sessions import check_session_exists

from .errors import CommandError
from .watch_lines import json_line, line
from .watch_view import WatchView

LIVE_PERIOD_S = 0.25

Show = Callable[[Happening], None]


def watch_session(
    session: str,
    *,
    redis_url: str | None,
    beacon: str | None,
    as_json: bool,
    wait: bool,
    period_s: float,
    silent_after_s: float,
    entry_name: str,
) -> None:
    """Until Ctrl-C or SIGTERM. Raises NoSuchSession unless it is to ``wait``, CommandError, DataError."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    live = sys.stdout.isatty() and not as_json
    with _in_words(as_json), connect(redis_url, beacon=beacon) as client:
        if not wait:
            check_session_exists(session, client)
        every_s = LIVE_PERIOD_S if live else period_s
        watch = Watch.of_session(
            session,
            client,
            running=True,
            progress_every_s=every_s,
            silent_after_s=silent_after_s,
            entry_name=entry_name,
        )
        with watch, _shown(session, live, as_json) as show:
            for happening in watch:
                show(happening)


@contextmanager
def _in_words(as_json: bool) -> Iterator[None]:
    """How it ends: by Ctrl-C, or without Redis."""
    try:
        yield
    except KeyboardInterrupt:
        _say_that_it_ended(as_json)
    except redis.ConnectionError as error:
        raise CommandError(f"Redis is gone ({error}): try again") from None
    except redis.RedisError as error:
        raise CommandError(
            f"Redis refuses ({error}): give a user who may read, or look at what has the name of a node"
        ) from None


@contextmanager
def _shown(session: str, live: bool, as_json: bool) -> Iterator[Show]:
    """What shows a happening."""
    if live:
        with WatchView(session) as view:
            yield view.take
    elif as_json:
        _print({"happening": "watching", "session": session})
        yield lambda happening: print(json_line(happening), flush=True)
    else:
        print(f"watching {session}; Ctrl-C ends it", flush=True)
        yield lambda happening: print(line(happening), flush=True)


def _say_that_it_ended(as_json: bool) -> None:
    if as_json:
        _print({"happening": "stopped"})
    else:
        print("stopped watching", flush=True)


def _print(fields: dict[str, Any]) -> None:
    print(json.dumps(fields), flush=True)
