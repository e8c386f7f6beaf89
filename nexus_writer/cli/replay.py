"""``nexus-writer replay``: a recording, sent to Redis as if the beamline were live."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.recording import Recording, replay

from .errors import CommandError, UsageError


def replay_recording(
    path: Path, *, redis_url: str | None, beacon: str | None, speed: float, only: Sequence[str]
) -> None:
    """Send a recording. Raises BadRecording, UsageError for a scan that it does not have, CommandError."""
    recording = Recording(path)
    names = [scan.name for scan in recording.scans]
    for name in only:
        if name not in names:
            known = ", ".join(names) or "none"
            raise UsageError(f"there is no scan {name} in {path}: its scans are {known}")
    with connect(redis_url, beacon=beacon) as client:
        try:
            replay(recording, client, speed=speed, only=only or None)
        except redis.RedisError as error:
            raise CommandError(f"the replay ended: {error}") from None
    sent = [name for name in names if not only or name in only]
    print(f"{recording.path}: session {recording.session}, {len(sent)} scans sent")
    if recording.cut:
        print("the end of the recording is missing")
