"""``nexus-writer rebuild``: scans from Redis into new files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import redis

from nexus_writer.data.connection import connect
from nexus_writer.subscribers.options import WriterOptions
from nexus_writer.subscribers.rebuilding import rebuild
from nexus_writer.subscribers.scans_in_redis import scans_of

from .errors import CommandError


def rebuild_scans(
    names: Sequence[str],
    directory: Path,
    options: WriterOptions,
    *,
    redis_url: str | None,
    beacon: str | None,
) -> None:
    """Print a line for each scan. Raises CommandError when one of them is not whole, or none is found."""
    failed = made = 0
    with connect(redis_url, beacon=beacon) as client:
        try:
            keys = list(dict.fromkeys(key for name in names for key in _found(client, name)))
            for one in rebuild(client, keys, directory, options):
                made += bool(one.uris)
                failed += bool(one.problem)
                print(f"{' '.join(one.uris) or one.key}: {one.problem or f'{one.points} points'}", flush=True)
        except redis.ConnectionError as error:
            raise CommandError(f"Redis is gone ({error}): what was made until then stays") from None
    if failed:
        raise CommandError(f"{failed} of {len(keys)} scans are not whole")
    if not made:
        raise CommandError("none of these scans is one that the writer saves")


def _found(client: redis.Redis, name: str) -> list[str]:
    keys = scans_of(client, name)
    if not keys:
        raise CommandError(
            f"Redis holds no scans of {name}: give a session, or the key of a scan like session:...:1_ascan"
        )
    return keys
