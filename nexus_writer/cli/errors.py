"""What ends a command, in one line for its user."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot go on; the message says what to do."""

    exit_code = 1


class UsageError(CommandError):
    """The command was asked for something that makes no sense."""

    exit_code = 2
