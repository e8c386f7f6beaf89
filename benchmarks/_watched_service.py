"""``NexusWriterService`` with a look at its main loop: how long it did not run, each time.

    python -m benchmarks._watched_service FILE [arguments of NexusWriterService]

A greenlet of the main loop sleeps 1 ms again and again; FILE gets what :mod:`._gaps` writes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gevent

from tango_server.service import main

from ._gaps import watch

if __name__ == "__main__":
    gevent.spawn(watch, Path(sys.argv[1]), gevent.sleep)
    main(sys.argv[2:])
