"""``nexus-writer record``: what a session writes to Redis, into a file."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.recorder import Recorder
from nexus_writer.data.sessions import why_unknown

from .errors import CommandError


def record_session(
    session: str, path: Path, *, redis_url: str | None, beacon: str | None, duration_s: float | None
) -> None:
    """Record until SIGTERM or Ctrl-C, or for ``duration_s``. Raises CommandError when Redis goes away."""
    asked_to_end = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked_to_end
        asked_to_end = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with connect(redis_url, beacon=beacon) as client:
        recorder = Recorder(client, session, path)
        end_at = None if duration_s is None else time.monotonic() + duration_s
        unknown = why_unknown(session, client)
        print(f"recording {session} into {path}; Ctrl-C ends it{unknown and f'. {unknown}'}", flush=True)
        for scan in recorder.left_out[-3:]:
            print(f"not recorded, it was there before: {scan}", flush=True)
        try:
            recorder.run(lambda: asked_to_end or (end_at is not None and time.monotonic() >= end_at))
        except redis.ConnectionError as error:
            raise CommandError(f"Redis is gone ({error}): {path} holds what came until then") from None
        finally:
            recorder.close()
    print(f"{path}: {recorder.commands} commands, {len(recorder.scans)} scans")
