"""The ``nexus-writer`` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command. Ctrl-C ends it with 130 and no traceback, also while it is loading.

    So does with 1, and without a word, a pipe from which nobody reads what it prints any more.
    """
    try:
        try:
            from .app import main as run

            run()
        finally:
            print(end="", flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


__all__ = ["main"]
