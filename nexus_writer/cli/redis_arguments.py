"""What commands take that ask Redis."""

from __future__ import annotations

from typing import Annotated

import typer

from . import checks

RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        help="Where scans are published, like redis://host:6380/1. Default: $NEXUS_WRITER_REDIS_URL, else "
        "Beacon is asked.",
        callback=checks.not_empty,
    ),
]
Beacon = Annotated[
    str | None,
    typer.Option(
        "--beacon",
        help="host:port of Beacon, which knows the address of Redis. Default: $BEACON_HOST.",
        callback=checks.not_empty,
    ),
]
