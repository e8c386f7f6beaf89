"""The commands that look at files and at Redis, and mend: what they are called and take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME
from nexus_writer.subscribers.options import WriterOptions

from . import checks
from .errors import CommandError, UsageError
from .redis_arguments import Beacon, RedisUrl
from .watch_arguments import EntryName, Json, Period, SilentAfter, Wait
from .writer_arguments import UNDERSCORES, with_writer_options

_Session = Annotated[
    str,
    typer.Argument(metavar="SESSION", help="Name of the BLISS session.", callback=checks.session_name),
]


def record(
    session: _Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file, like session.jsonl.gz.")],
    redis: RedisUrl = None,
    beacon: Beacon = None,
    duration: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, metavar="SECONDS", help="End by itself. Default: at Ctrl-C or SIGTERM."),
    ] = None,
) -> None:
    """Record into FILE what SESSION writes to Redis from now on.

    `nexus-writer replay` sends it again.
    """
    from .record import record_session

    record_session(session, file, redis_url=redis, beacon=beacon, duration_s=duration)


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, or the folder that holds it.")],
    redis: RedisUrl = None,
    beacon: Beacon = None,
    speed: Annotated[
        float, typer.Option(min=0, metavar="FACTOR", help="2: twice as fast as it was; 0: at once.")
    ] = 1.0,
    only: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="SCAN", help="Send only this scan; may be repeated."),
    ] = None,
) -> None:
    """Send a recording to Redis as if the beamline were live.

    For a test server, not for a beamline's own.
    """
    from .replay import replay_recording

    replay_recording(file, redis_url=redis, beacon=beacon, speed=speed, only=only or ())


def doctor(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Any file; it is only read.")],
) -> None:
    """Say what is the matter with FILE, and what to do.

    Why it cannot be opened, who holds it, what is committed in it. Exit code 1 when something is to be done.
    """
    from .doctor import doctor as examine
    from .file_target import FileTarget

    examine(FileTarget.parse(file).path)


@with_writer_options
def rebuild(
    names: Annotated[
        list[str], typer.Argument(metavar="SESSION|SCAN", help="A session, or the full key of a scan.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the new files go; made when missing.")
    ],
    redis: RedisUrl = None,
    beacon: Beacon = None,
    *,
    options: WriterOptions,
) -> None:
    """Make scans anew, in other files, from what Redis holds of them.

    The files of the beamline and their masters are not touched. Exit code 1 when a scan is not whole.
    """
    from .rebuild import rebuild_scans

    rebuild_scans(names, output, options, redis_url=redis, beacon=beacon)


def verify(
    file: Annotated[str, typer.Argument(metavar="FILE[::/ENTRY]", help="A file, or an entry of it.")],
    redis: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Compare every point with this Redis, while it holds the scans.", callback=checks.not_empty
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check that everything of the scans in FILE is there.

    Points, links, sources of virtual datasets. Exit code 1 when something is missing or wrong. The file is
    only read.
    """
    from .file_target import FileTarget
    from .verify import verify as verify_file

    verify_file(FileTarget.parse(file), redis_url=redis, as_json=json)


def status(
    session: _Session,
    redis: RedisUrl = None,
    beacon: Beacon = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what every writer of SESSION is doing.

    Its scans, who writes which file, how far it is. Exit code 1 when none is at work.
    """
    from .status import show_status

    show_status(session, redis_url=redis, beacon=beacon, as_json=json)


def watch(
    session: _Session,
    redis: RedisUrl = None,
    beacon: Beacon = None,
    json: Json = False,
    wait: Wait = False,
    period: Period = 1.0,
    silent_after: SilentAfter = 60.0,
    entry_name: EntryName = DEFAULT_ENTRY_NAME,
) -> None:
    """Show the scans of SESSION as they run.

    Where they are saved, how far they are, how they end. Live on a terminal, else a line for each happening.
    Ctrl-C ends it.
    """
    from .watch import watch_session

    watch_session(
        session,
        redis_url=redis,
        beacon=beacon,
        as_json=json,
        wait=wait,
        period_s=period,
        silent_after_s=silent_after,
        entry_name=entry_name,
    )


def simulate(
    file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="FILE.yaml", help="The beamline: see --example."),
    ] = None,
    redis: RedisUrl = None,
    beacon: Beacon = None,
    directory: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Where the files go, instead of where FILE says."),
    ] = None,
    sent: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Write here, for each scan, what its detectors say they sent."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a file with everything in it.")] = False,
) -> None:
    """Publish the scans of a beamline without hardware, as BLISS does.

    At the rates that FILE says. Ctrl-C ends the running scan as one that a user aborts, with exit code 130.
    """
    if file is None and not example:
        raise UsageError("simulate needs a FILE.yaml: `nexus-writer simulate --example` prints one")
    try:
        from .simulate import print_example
        from .simulate import simulate as run
    except ModuleNotFoundError as error:
        raise CommandError(str(error)) from None
    if file is None or example:
        print_example()
    else:
        run(file, redis_url=redis, beacon=beacon, directory=directory, sent=sent)


def add_tool_commands(app: typer.Typer) -> None:
    """Add them to ``app``."""
    for command in (verify, doctor, status, watch, record, replay, simulate):
        app.command()(command)
    app.command(context_settings=UNDERSCORES)(rebuild)
