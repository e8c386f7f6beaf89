"""The command line: what can be asked, and how a user's mistake is answered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nexus_writer import __version__
from nexus_writer.data.errors import BadBeaconAddress, BadRedisUrl, DataError, NoRedisAddress
from nexus_writer.log_files import LogFileNotWritable, LogOptions
from nexus_writer.subscribers.options import BadOptions, WriterOptions

from .errors import CommandError
from .redis_arguments import Beacon, RedisUrl
from .serve_arguments import (
    FileBackups,
    FileSize,
    LogFile,
    LogLevel,
    ReadyFile,
    Session,
    Standby,
)
from .tool_commands import add_tool_commands
from .writer_arguments import UNDERSCORES, with_writer_options

PROGRAM = "nexus-writer"
CLICK_ERROR: Any = typer.BadParameter.__mro__[2]
"""ClickException: typer brings a click of its own along, or imports the public one."""

app = typer.Typer(
    name=PROGRAM,
    help="Save the scans that a BLISS session publishes into Redis as NeXus/HDF5 files, while they run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nexus-writer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(context_settings=UNDERSCORES)
@with_writer_options
def serve(
    session: Session,
    redis: RedisUrl = None,
    beacon: Beacon = None,
    standby: Standby = False,
    ready_file: ReadyFile = None,
    log: LogLevel = "info",
    logfile: LogFile = None,
    filesize: FileSize = 5.0,
    filebackups: FileBackups = 9,
    *,
    options: WriterOptions,
) -> None:
    """Save the scans of SESSION until told to stop.

    A session writer in a plain process, for sites without Tango. SIGTERM and Ctrl-C finalise running scans.
    """
    from .serve import serve_session

    log_options = LogOptions(log=log, logfile=logfile, filesize=filesize, filebackups=filebackups)
    serve_session(
        session,
        options,
        redis_url=redis,
        beacon=beacon,
        standby=standby,
        ready_file=ready_file,
        log_options=log_options,
    )


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where the files go; made when missing.")] = Path(
        "demo_data"
    ),
) -> None:
    """See it work once, for about 15 s.

    An own Redis, the Tango device, a simulated beamline and a client.
    """
    try:
        from .demo import run_demo
    except ModuleNotFoundError as error:
        remedy = "pip install '.[demo]' in a checkout"
        raise CommandError(f"the demo needs the extra 'demo': {remedy} ({error})") from None
    run_demo(directory)


@app.command()
def tree(
    file: Annotated[str, typer.Argument(metavar="FILE[::/ITEM]", help="A file, or an item in it.")],
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="Levels to be shown.")] = 4,
) -> None:
    """Show what is in FILE: groups, datasets, links."""
    from .file_target import FileTarget
    from .tree import print_tree

    print_tree(FileTarget.parse(file), depth)


@app.command()
def plot(
    file: Annotated[str, typer.Argument(metavar="FILE[::/ENTRY]", help="A file, or an entry or plot in it.")],
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", metavar="PNG", help="Write the picture here. Default: show a window."),
    ] = None,
) -> None:
    """Draw the default plot of FILE, also while its scan runs."""
    from .file_target import FileTarget
    from .plot import plot as plot_target

    plot_target(FileTarget.parse(file), output)


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE[::/ENTRY]", help="Files, or single entries of them.")
    ],
    warnings: Annotated[
        bool, typer.Option("--warnings", "-w", help="Show also what the NeXus definitions do not know of.")
    ] = False,
    strict_names: Annotated[
        bool, typer.Option("--strict-names", help="Take entries called like 1.1 for an error, too.")
    ] = False,
) -> None:
    """Hold FILE against the NeXus definitions.

    Exit code 1 when something breaks them. The file is only read: it may be one that is being written.
    """
    from .file_target import FileTarget
    from .validate import validate_files

    validate_files([FileTarget.parse(file) for file in files], warnings=warnings, strict_names=strict_names)


add_tool_commands(app)


def main() -> None:
    """Run the command; a user's mistake is one line on stderr, and exit code 1 or 2."""
    try:
        sys.exit(app(prog_name=PROGRAM, standalone_mode=False))
    except CLICK_ERROR as error:
        _leave_for_usage(error)
    except CommandError as error:
        _leave(error, error.exit_code)
    except (BadOptions, BadRedisUrl, BadBeaconAddress, NoRedisAddress) as error:
        _leave(error, 2)
    except (DataError, LogFileNotWritable) as error:
        _leave(error, 1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)


def _leave_for_usage(error: Any) -> None:
    """Of a command that was called without anything, the help is all there is to say."""
    if not sys.argv[1:]:
        error.show()
        sys.exit(2)
    command = PROGRAM if error.ctx is None else error.ctx.command_path
    _leave(f"{error.format_message().rstrip('.')} (try '{command} --help')", 2)


def _leave(error: Exception | str, exit_code: int) -> None:
    print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(exit_code)
