"""The Tango database: is it there, and what does it know?

Tango's own library prints several lines, or waits, when something is missing; here each case is one error
that says what to do.
"""

from __future__ import annotations

import os
import socket

import tango

CONNECT_WITHIN_S = 3.0
DEVICE_CLASS = "NexusWriter"


class TangoDatabaseError(RuntimeError):
    """The database cannot be used; the message says what to do."""


class NoTangoDatabase(TangoDatabaseError):
    """There is none to talk to."""


class NoTangoHost(NoTangoDatabase):
    """Nobody said where the database is."""

    def __init__(self) -> None:
        super().__init__("TANGO_HOST is not set: export TANGO_HOST=host:port of the Tango database")


class DatabaseUnreachable(NoTangoDatabase):
    """Nothing that behaves like a Tango database answers."""

    def __init__(self, tango_host: str, why: str) -> None:
        super().__init__(
            f"no Tango database answers at TANGO_HOST={tango_host} ({why}): start it, or correct TANGO_HOST"
        )


class NotRegistered(TangoDatabaseError):
    """The database knows no writer device of a server."""

    def __init__(self, server: str) -> None:
        instance = server.partition("/")[2]
        super().__init__(
            f"no NexusWriter device is registered for {server}: "
            f"run RegisterNexusWriter SESSION --instance {instance}"
        )


class RunsAlready(TangoDatabaseError):
    """A server of that name runs."""

    def __init__(self, server: str) -> None:
        super().__init__(f"{server} runs already: stop it, or register the session for another instance")


def connect_database() -> tango.Database:
    """The database that TANGO_HOST, or a tangorc file, names. Raises NoTangoHost, DatabaseUnreachable."""
    tango_host = os.environ.get("TANGO_HOST") or tango.ApiUtil.get_env_var("TANGO_HOST")
    if not tango_host:
        raise NoTangoHost
    why = "no host:port"
    for address in tango_host.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            continue
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_WITHIN_S).close()
            return tango.Database()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
        except tango.DevFailed as error:
            why = " ".join(error.args[0].desc.split())
    raise DatabaseUnreachable(tango_host, why)


def devices_of_server(server: str) -> list[str]:
    """Names of the writer devices to be served by ``server/instance``, which does not run yet.

    Raises TangoDatabaseError.
    """
    database = connect_database()
    pairs = list(database.get_device_class_list(server))
    devices = [name for name, kind in zip(pairs[::2], pairs[1::2], strict=True) if kind == DEVICE_CLASS]
    if not devices:
        raise NotRegistered(server)
    if runs(database, server):
        raise RunsAlready(server)
    return devices


def runs(database: tango.Database, server: str) -> bool:
    """Does a server of this name answer?"""
    admin = f"dserver/{server}"
    try:
        if not database.get_device_info(admin).exported:
            return False
        tango.DeviceProxy(admin).ping()
    except tango.DevFailed:
        return False
    return True
