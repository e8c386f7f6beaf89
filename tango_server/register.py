"""``RegisterNexusWriter``: makes the writer device of a session known to the Tango database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import tango

from .arguments import OneLineParser, leave
from .database import DEVICE_CLASS, TangoDatabaseError, connect_database

PROGRAM = "RegisterNexusWriter"
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


@dataclass(frozen=True, slots=True)
class Registration:
    """A writer device, as it is to be in the database."""

    session: str
    server: str
    """``server/instance``."""
    name: str
    beacon_host: str | None = None
    redis_url: str | None = None

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
    info = tango.DbDevInfo()
    info.server = wanted.server
    info._class = DEVICE_CLASS
    info.name = wanted.name
    database.add_device(info)
    database.put_device_property(wanted.name, {name: [value] for name, value in wanted.properties().items()})
    return wanted.name


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
    values = database.get_device_property(device, ["session", "beacon_host"])
    return {name: value[0] for name, value in values.items() if len(value)}


def default_domain() -> str:
    """The beamline, as the environment says."""
    return (os.environ.get("BEAMLINE") or os.environ.get("BEAMLINENAME") or DEFAULT_DOMAIN).lower()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the device's name. Exit code 1 when it cannot be registered, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    wanted = Registration(
        session=options.session,
        server=f"{options.server}/{options.instance or options.session}",
        name=f"{options.domain}/{options.family}/{options.member or options.session}",
        beacon_host=options.beacon_host,
        redis_url=options.redis,
    )
    try:
        name = register(connect_database(), wanted, ignore_existing=options.ignore_existing)
    except (TangoDatabaseError, TooManyWriters, DeviceTaken) as error:
        leave(f"{PROGRAM}: {error}", 1)
    except tango.DevFailed as error:
        leave(f"{PROGRAM}: the Tango database refuses {wanted.name}: {error.args[0].desc}", 1)
    if name.lower() != wanted.name.lower():
        print(f"Session {wanted.session!r} has a writer already: {name}")  # noqa: T201 - the user's terminal
    else:
        print(f"Session {wanted.session!r} is saved by {name} of the server {wanted.server}")  # noqa: T201


def _parser() -> OneLineParser:
    parser = OneLineParser(
        PROGRAM,
        "Make the writer of a BLISS session known to the Tango database of TANGO_HOST. A session that has "
        "one already keeps it.",
    )
    parser.add_argument("session", metavar="SESSION", help="name of the BLISS session")
    parser.add_argument("--server", default="nexuswriter", help="server name (%(default)s)")
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
        "--beacon-host", metavar="HOST:PORT", help="Beacon of the session; a device without it serves any"
    )
    parser.add_argument(
        "--redis", metavar="URL", help="where the scans are published, when Beacon is not to be asked"
    )
    return parser


if __name__ == "__main__":
    main()
