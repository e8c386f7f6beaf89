"""What the Tango database says of a device: read, and held against what the device knows."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection

import tango

from nexus_writer.data.beacon import Beacon
from nexus_writer.data.connection import BEACON_VARIABLE, URL_VARIABLE, check_redis_url
from nexus_writer.data.errors import BadBeaconAddress, BadRedisUrl
from nexus_writer.data.session_name import BadSessionName, check_session_name

_OF_TANGO = re.compile(r"_|attr|cmd_|alias|doc_url|(non_auto_|min_)?poll|(current_)?logging_")
"""Beginnings of the names of properties that Tango itself, Jive or Astor keep."""
_NOT_CONVERTED = re.compile(r"property '(?P<name>\w+)'.*value=\[(?P<value>.*)\]\) to type (?P<type>\w+)")


class BadProperty(ValueError):
    """A device property makes no sense; the message names it and says what would."""


def read_properties(device: tango.server.Device) -> None:
    """Let PyTango read all of them anew. Raises BadProperty; DevFailed where the database does not answer."""
    try:
        device.get_device_properties()
    except tango.DevFailed:
        raise
    except Exception as error:  # PyTango has no types for these
        if "mandatory" in str(error):
            raise NoSession from None
        raise BadProperty(_why_not_converted(str(error))) from None


def check_session(name: str | None) -> None:
    """Raises BadProperty."""
    if not name:
        raise NoSession
    try:
        check_session_name(name)
    except BadSessionName as error:
        raise BadProperty(f"session: {error}") from None


def check_addresses(redis_url: str | None, beacon_host: str | None) -> None:
    """That scans can be asked for somewhere; nobody is asked yet. Raises BadProperty."""
    url_from, beacon_from = "redis_url", "beacon_host"
    if not redis_url and not beacon_host:
        url_from, beacon_from = URL_VARIABLE, BEACON_VARIABLE
        redis_url, beacon_host = os.environ.get(url_from), os.environ.get(beacon_from)
    if not redis_url and not beacon_host:
        raise NoAddress
    try:
        if redis_url:
            check_redis_url(redis_url, green=True)
        elif beacon_host:
            Beacon.at(beacon_host)
    except BadRedisUrl as error:
        raise BadProperty(f"{url_from}: {error}") from None
    except BadBeaconAddress as error:
        raise BadProperty(f"{beacon_from}: {error}") from None


def unknown_properties(device: str, known: Collection[str]) -> list[str]:
    """One line for each property that the database has of the device and that means nothing to it.

    Without a database there are none.
    """
    if not tango.Util._UseDb:
        return []
    names = tango.Util.instance().get_database().get_device_property_list(device, "*").value_string
    known = {name.lower() for name in known}
    lines = []
    for name in names:
        if name.lower() in known or _OF_TANGO.match(name.lower()):
            continue
        meant = difflib.get_close_matches(name.lower(), known, 1)
        question = f": did you mean {meant[0]!r}?" if meant else ", it is ignored"
        lines.append(f"the device property {name!r} means nothing to a NexusWriter{question}")
    return lines


class NoSession(BadProperty):
    """The device does not know what to save."""

    def __init__(self) -> None:
        super().__init__("The device property 'session' is missing: run RegisterNexusWriter")


class NoAddress(BadProperty):
    """Nobody said where the scans are published."""

    def __init__(self) -> None:
        super().__init__(
            "no Redis address: set the device property redis_url to redis://HOST:PORT/1, or beacon_host to "
            f"HOST:PORT to ask Beacon (or {URL_VARIABLE} or {BEACON_VARIABLE} where the server starts)"
        )


def _why_not_converted(text: str) -> str:
    """From PyTango's message, that names property, value and Tango's type among other things."""
    found = _NOT_CONVERTED.search(text)
    if found is None:
        return " ".join(text.split())
    kind = "boolean: give true or false" if found["type"] == "DevBoolean" else "number"
    return f"{found['name']}: {found['value']} is no {kind}"
