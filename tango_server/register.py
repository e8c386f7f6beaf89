"""``RegisterNexusWriter``: makes the writer device of a session known to the Tango database."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass

import tango

from nexus_writer.data.beacon import Beacon
from nexus_writer.data.connection import check_redis_url, masked
from nexus_writer.data.errors import BadBeaconAddress, BadRedisUrl
from nexus_writer.data.session_name import BadSessionName, check_session_name

from .arguments import OneLineParser, leave, require_tango
from .database import DEVICE_CLASS, TangoDatabaseError, connect_database, runs
from .names import BadName, check_device_name, check_server_name

PROGRAM = "RegisterNexusWriter"
DEFAULT_SERVER = "nexuswriter"
DEFAULT_FAMILY = "bliss_nxwriter"
DEFAULT_DOMAIN = "id00"


class TooManyWriters(ValueError):
    """BLISS refuses to scan when it finds more than one writer for a session."""

    def __init__(self, session: str, names: Sequence[str]) -> None:
        super().__init__(
            f"session {session!r} has {len(names)} writers: {', '.join(names)}; "
            "delete all but one from the Tango database"
        )


class DeviceTaken(RuntimeError):
    """A device of that name serves something else."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{name} exists and {what}: choose another --domain, --family or --member, or delete it"
        )


class OtherServer(RuntimeError):
    """The session's device belongs to another server than the one that was asked for."""

    def __init__(self, name: str, server: str, wanted: str) -> None:
        super().__init__(
            f"{name} belongs to the server {server}, not to {wanted}: give --move to move it there"
        )


class OtherRedis(RuntimeError):
    """The session's device is there, and reads scans elsewhere than asked for."""

    def __init__(self, name: str, url: str | None) -> None:
        super().__init__(
            f"{name} is registered already, with {f'redis_url {url}' if url else 'no redis_url'}: "
            "set that property of it (jive), then call its command start"
        )


class StillServed(RuntimeError):
    """The device is to be moved away from a server that runs."""

    def __init__(self, name: str, server: str) -> None:
        super().__init__(f"{server} runs and serves {name}: stop it, then move the device")


@dataclass(frozen=True, slots=True)
class Registration:
    """A writer device, as it is to be in the database. Raises BadSessionName, BadName,
    BadRedisUrl, BadBeaconAddress."""

    session: str
    server: str
    """``server/instance``."""
    name: str
    beacon_host: str | None = None
    redis_url: str | None = None

    def __post_init__(self) -> None:
        check_session_name(self.session)
        check_server_name(self.server)
        check_device_name(self.name)
        if self.redis_url is not None:
            check_redis_url(self.redis_url, green=True)
        if self.beacon_host is not None:
            Beacon.at(self.beacon_host)

    def properties(self) -> dict[str, str]:
        """Of the device; only those that have a value."""
        wanted = {"session": self.session, "beacon_host": self.beacon_host, "redis_url": self.redis_url}
        return {name: value for name, value in wanted.items() if value}


def writers_of_session(database: tango.Database, session: str, beacon_host: str | None = None) -> list[str]:
    """Names of the devices that BLISS finds for a session; one without Beacon host matches any."""
    found = []
    for name in database.get_device_name("*", DEVICE_CLASS):
        properties = _properties(database, name)
        hosts = {properties.get("beacon_host"), beacon_host} - {None}
        if properties.get("session") == session and len(hosts) <= 1:
            found.append(name)
    return found


def register(database: tango.Database, wanted: Registration, *, ignore_existing: bool = False) -> str:
    """Make the device, or find the session's; its name. Raises TooManyWriters, DeviceTaken.

    ``ignore_existing`` makes the device even when the session has another one.
    """
    if not ignore_existing:
        existing = writers_of_session(database, wanted.session, wanted.beacon_host)
        if len(existing) > 1:
            raise TooManyWriters(wanted.session, existing)
        if existing:
            return existing[0]
    _check_free(database, wanted)
    _add(database, wanted.name, wanted.server)
    database.put_device_property(wanted.name, {name: [value] for name, value in wanted.properties().items()})
    return wanted.name


def server_of(database: tango.Database, device: str) -> str:
    """``server/instance`` of a registered device."""
    return str(database.get_device_info(device).ds_full_name)


def move(database: tango.Database, device: str, server: str) -> None:
    """To another server; its properties stay. Raises StillServed."""
    before = server_of(database, device)
    if runs(database, before):
        raise StillServed(device, before)
    _add(database, device, server)


def _add(database: tango.Database, device: str, server: str) -> None:
    info = tango.DbDevInfo()
    info.server, info._class, info.name = server, DEVICE_CLASS, device
    database.add_device(info)


def _check_free(database: tango.Database, wanted: Registration) -> None:
    try:
        kind = database.get_class_for_device(wanted.name)
    except tango.DevFailed:
        return
    if kind != DEVICE_CLASS:
        raise DeviceTaken(wanted.name, f"is of class {kind}")
    properties = _properties(database, wanted.name)
    for name in ("session", "beacon_host"):
        there, asked = properties.get(name), wanted.properties().get(name)
        if there is not None and asked is not None and there != asked:
            raise DeviceTaken(wanted.name, f"has the {name} {there!r}")


def _properties(database: tango.Database, device: str) -> dict[str, str]:
    values = database.get_device_property(device, ["session", "beacon_host", "redis_url"])
    return {name: value[0] for name, value in values.items() if len(value)}


def default_domain() -> str:
    """The beamline, as the environment says."""
    return (os.environ.get("BEAMLINE") or os.environ.get("BEAMLINENAME") or DEFAULT_DOMAIN).lower()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the device's name. Exit code 1 when it cannot be registered, 2 for a wrong command line."""
    parser = command_line()
    options = parser.parse_args(arguments)
    require_tango(PROGRAM)
    try:
        wanted = Registration(
            session=options.session,
            server=f"{options.server or DEFAULT_SERVER}/{options.instance or options.session}",
            name=f"{options.domain}/{options.family}/{options.member or options.session}",
            beacon_host=options.beacon_host,
            redis_url=options.redis,
        )
    except (BadSessionName, BadName, BadRedisUrl, BadBeaconAddress) as error:
        parser.error(str(error))
    try:
        print(_registered(wanted, options))  # noqa: T201 - the user's terminal
    except (TangoDatabaseError, TooManyWriters, DeviceTaken, OtherServer, OtherRedis, StillServed) as error:
        leave(f"{PROGRAM}: {error}", 1)
    except tango.DevFailed as error:
        leave(f"{PROGRAM}: the Tango database refuses {wanted.name}: {error.args[0].desc}", 1)


def _registered(wanted: Registration, options: Namespace) -> str:
    """Do it; what there is to say. Raises OtherServer and OtherRedis where what was asked for is not so."""
    database = connect_database()
    name = register(database, wanted, ignore_existing=options.ignore_existing)
    url = _properties(database, name).get("redis_url")
    if wanted.redis_url and wanted.redis_url != url:
        raise OtherRedis(name, url and masked(url))
    server = server_of(database, name)
    if server.lower() != wanted.server.lower():
        if options.move:
            move(database, name, wanted.server)
            server = wanted.server
        elif options.server or options.instance:
            raise OtherServer(name, server, wanted.server)
    if name.lower() != wanted.name.lower():
        return f"Session {wanted.session!r} has a writer already: {name} of the server {server}"
    return f"Session {wanted.session!r} is saved by {name} of the server {server}"


def command_line() -> OneLineParser:
    """Of this program."""
    parser = OneLineParser(
        PROGRAM,
        "Make the writer of a BLISS session known to the Tango database of TANGO_HOST. A session that has "
        "one already keeps it.",
    )
    parser.add_argument("session", metavar="SESSION", help="name of the BLISS session")
    parser.add_argument("--server", help=f"server name ({DEFAULT_SERVER})")
    parser.add_argument("--instance", help="server instance; sessions may share one (the session's name)")
    parser.add_argument(
        "--domain", default=default_domain(), help="of the device: the beamline (%(default)s)"
    )
    parser.add_argument("--family", default=DEFAULT_FAMILY, help="of the device (%(default)s)")
    parser.add_argument("--member", help="of the device (the session's name)")
    parser.add_argument(
        "--ignore_existing", action="store_true", help="make the device even when the session has another one"
    )
    parser.add_argument(
        "--move", action="store_true", help="move the session's device to this server, with its properties"
    )
    parser.add_argument(
        "--beacon-host", metavar="HOST:PORT", help="Beacon of the session; a device without it serves any"
    )
    parser.add_argument(
        "--redis", metavar="URL", help="where the scans are published, when Beacon is not to be asked"
    )
    return parser


if __name__ == "__main__":
    main()
