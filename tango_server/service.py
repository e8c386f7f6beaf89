"""``NexusWriterService``: the Tango server of one or several ``NexusWriter`` devices."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from nexus_writer.interpreter import tune_for_a_server
from nexus_writer.log_files import (
    LogFileNotWritable,
    LogOptions,
    add_log_arguments,
    log_level,
    set_up_logging,
)

from .arguments import OneLineParser, leave, port_number, require_tango

PROGRAM = "NexusWriterService"
DEFAULT_SERVER = "nexuswriter"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; then finalise running scans. A wrong command line exits with 2."""
    parser = command_line()
    options = parser.parse_args(arguments)
    _check(parser, options)
    require_tango(PROGRAM)
    try:
        set_up_logging(LogOptions.from_arguments(options))
    except LogFileNotWritable as error:
        leave(f"{PROGRAM}: {error}", 1)
    if options.ready_file is not None:
        _check_ready_file(options.ready_file)
    tune_for_a_server()
    if options.nodb:
        _serve_standalone(parser, options)
    else:
        _serve_registered(options)


def command_line() -> OneLineParser:
    """Of this program."""
    parser = OneLineParser(
        PROGRAM,
        "Save the scans of BLISS sessions into NeXus/HDF5 files: one Tango device for each session. With a "
        "Tango database (TANGO_HOST) it serves what is registered for INSTANCE, see RegisterNexusWriter.",
    )
    parser.add_argument("instance", nargs="?", metavar="INSTANCE", help="server instance, as registered")
    parser.add_argument("--server", default=DEFAULT_SERVER, help="server name, as registered (%(default)s)")
    parser.add_argument(
        "--log_tango",
        type=log_level,
        metavar="LEVEL",
        help="what to print of Tango's own messages (what the Tango database says, else WARNING)",
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help="made with the devices' addresses when they can be used",
    )
    add_log_arguments(parser)
    group = parser.add_argument_group("without a Tango database")
    group.add_argument("--nodb", action="store_true", help="serve one device, and print its address")
    group.add_argument("--session", metavar="NAME", help="the BLISS session to save")
    group.add_argument(
        "--redis", metavar="URL", help="where its scans are published, like redis://host:6380/1"
    )
    group.add_argument(
        "--port", type=port_number, metavar="N", help="of the device, on 127.0.0.1 (a free one)"
    )
    group.add_argument("--device", metavar="NAME", help="its name (id00/bliss_nxwriter/SESSION)")
    group.add_argument(
        "--path-map",
        action="append",
        default=[],
        metavar="FROM=TO",
        help="a directory of the beamline, and what this host calls it; may be repeated",
    )
    return parser


STANDALONE_ONLY = ("session", "redis", "port", "device", "path_map")


def _check(parser: OneLineParser, options: Namespace) -> None:
    from nexus_writer.subscribers import BadOptions, read_options

    if not options.nodb:
        given = [name for name in STANDALONE_ONLY if getattr(options, name) not in (None, [])]
        if given:
            parser.error(
                f"--{given[0].replace('_', '-')} needs --nodb: with a Tango database it is a device property"
            )
        if options.instance is None:
            parser.error("give INSTANCE, the server instance to run, or --nodb --session NAME --redis URL")
    elif options.session is None:
        parser.error("--nodb needs --session NAME")
    elif not (options.redis or os.environ.get("NEXUS_WRITER_REDIS_URL") or os.environ.get("BEACON_HOST")):
        parser.error(
            "--nodb needs --redis URL, or in the environment NEXUS_WRITER_REDIS_URL=URL or "
            "BEACON_HOST=host:port"
        )
    try:
        read_options({"path_map": tuple(options.path_map) or None})
    except BadOptions as error:
        parser.error(str(error))
    if options.nodb:
        _check_redis(parser, options.redis)


def _serve_standalone(parser: OneLineParser, options: Namespace) -> None:
    from nexus_writer.data.session_name import BadSessionName, check_session_name

    from .names import BadName
    from .nodb import PortTaken, StandaloneDevice, device_class, usable_port
    from .serving import serve

    try:
        check_session_name(options.session)
        device = StandaloneDevice(
            options.server,
            options.instance or options.session,
            options.device or f"id00/bliss_nxwriter/{options.session}",
            usable_port(options.port),
        )
    except (BadSessionName, BadName) as error:
        parser.error(str(error))
    except PortTaken as error:
        leave(f"{PROGRAM}: {error}", 1)
    properties = {"session": options.session, "path_map": tuple(options.path_map)}
    if options.redis:
        properties["redis_url"] = options.redis
    serve(
        device_class(properties),
        device.arguments,
        [device.address],
        ready_file=options.ready_file,
        tango_level=options.log_tango,
    )


def _check_ready_file(path: Path) -> None:
    from .serving import ReadyFileNotWritable, check_ready_file

    try:
        check_ready_file(path)
    except ReadyFileNotWritable as error:
        leave(f"{PROGRAM}: {error}", 1)


def _check_redis(parser: OneLineParser, url: str | None) -> None:
    """An address that can never work is the user's mistake; a server that is away may come back."""
    from nexus_writer.data.connection import connect
    from nexus_writer.data.errors import BadBeaconAddress, BadRedisUrl, DataError

    try:
        connect(url).close()
    except (BadRedisUrl, BadBeaconAddress) as error:
        parser.error(str(error))
    except DataError:
        pass  # the device says so, and tries again


def _serve_registered(options: Namespace) -> None:
    from .database import NoTangoDatabase, TangoDatabaseError, devices_of_server
    from .device import NexusWriter
    from .serving import serve

    server = f"{options.server}/{options.instance}"
    try:
        devices = devices_of_server(server)
    except NoTangoDatabase as error:
        leave(f"{PROGRAM}: {error}, or run without one: --nodb --session NAME --redis URL", 1)
    except TangoDatabaseError as error:
        leave(f"{PROGRAM}: {error}", 1)
    serve(
        NexusWriter,
        [options.server, options.instance],
        devices,
        ready_file=options.ready_file,
        tango_level=options.log_tango,
    )


if __name__ == "__main__":
    main()
