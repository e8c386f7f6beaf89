"""What ``nexus-writer watch`` takes besides a session and the address of Redis."""

from __future__ import annotations

from typing import Annotated

import typer

from . import checks

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for a session that has published nothing yet.")]
Period = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="How often a scan's points are told at most, not on a terminal.",
        callback=checks.seconds,
    ),
]
SilentAfter = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Say so of a scan of which nothing came for so long; 0: never.",
        callback=checks.seconds_or_never,
    ),
]
EntryName = Annotated[
    str,
    typer.Option(
        metavar="TEMPLATE", help="How the writer names entries.", callback=checks.entry_name_template
    ),
]
