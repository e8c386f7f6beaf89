"""Log levels as a Tango client sees them, of the writer's own messages and of Tango's."""

from __future__ import annotations

import logging
from enum import IntEnum

import tango

from nexus_writer.log_files import get_log_level, set_log_level


class LogLevel(IntEnum):
    """The labels and numbers of the classic device."""

    NOTSET = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FATAL = 5


_TANGO_NAMES = {LogLevel.NOTSET: "OFF"} | {level: level.name for level in LogLevel if level}


def from_name(name: str) -> LogLevel:
    """From the names that Python's logging uses."""
    return LogLevel(logging.getLevelNamesMapping()[name] // 10)


def writer_level() -> LogLevel:
    """Of the writer's own messages."""
    return LogLevel(min(get_log_level() // 10, LogLevel.FATAL))


def set_writer_level(level: LogLevel) -> None:
    """NOTSET leaves it to the root logger, which is at WARNING."""
    set_log_level(10 * int(level))


def tango_level(device: tango.DeviceImpl) -> LogLevel:
    """Of the Tango messages of one device."""
    value = device.get_logger().get_level()
    return next((level for level in LogLevel if _tango_value(level) == value), LogLevel.NOTSET)


def set_tango_level(device: tango.DeviceImpl, level: LogLevel) -> None:
    """Of a device, and of the Tango library in this process; NOTSET is silence."""
    device.get_logger().set_level(_tango_value(level))
    tango.Logging.get_core_logger().set_level(_tango_value(level))


def _tango_value(level: LogLevel) -> int:
    return int(tango.Level.get_value(_TANGO_NAMES[level]))
