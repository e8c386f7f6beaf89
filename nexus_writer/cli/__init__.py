"""The ``nexus-writer`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Ctrl-C ends it with 130 and no traceback, also while it is loading."""
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


__all__ = ["main"]
