"""Command lines whose mistakes are one line."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from typing import NoReturn

from nexus_writer import __version__


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line of stderr, exit code 2; has ``--version``."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.add_argument("--version", action="version", version=f"{prog} {__version__}")

    def error(self, message: str) -> NoReturn:
        """Of the user's."""
        leave(f"{self.prog}: {message} (see {self.prog} --help)", 2)


def port_number(text: str) -> int:
    """Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")


def leave(message: str, exit_code: int) -> NoReturn:
    """End the program with one line on stderr."""
    print(" ".join(message.split()), file=sys.stderr)  # noqa: T201 - the user's terminal
    sys.exit(exit_code)


def require_tango(program: str) -> None:
    """End the program, with one line, where PyTango is not installed."""
    if importlib.util.find_spec("tango") is None:
        leave(f"{program}: Tango is not installed: install the extra `tango` of nexus-writer", 1)
