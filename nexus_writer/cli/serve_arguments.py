"""What ``nexus-writer serve`` takes besides the options of a writer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import checks

Session = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        help="Name of the BLISS session whose scans are saved.",
        callback=checks.session_name,
    ),
]
Standby = Annotated[
    bool,
    typer.Option(
        "--standby", help="Save only what no other writer of the session does: go on when one dies."
    ),
]
ReadyFile = Annotated[
    Path | None, typer.Option(help="Made when the session is listened to, removed at the end.")
]
LogLevel = Annotated[
    str,
    typer.Option(metavar="LEVEL", help="debug, info, warning, error or critical.", callback=checks.log_level),
]
LogFile = Annotated[Path | None, typer.Option(help="Write the log into this file too.")]
FileSize = Annotated[
    float,
    typer.Option(metavar="MB", help="Rotate the log file at this size; 0: never.", callback=checks.megabytes),
]
FileBackups = Annotated[int, typer.Option(min=0, metavar="N", help="Keep so many rotated log files.")]
