"""``nexus-writer serve``: the session writer in a plain process."""

from __future__ import annotations

import logging
import signal
import tempfile
from pathlib import Path

import gevent
from gevent.event import Event

from nexus_writer.data.connection import connect
from nexus_writer.interpreter import pass_over_what_is_there, tune_for_a_server
from nexus_writer.log_files import LogOptions, set_up_logging
from nexus_writer.subscribers import NexusSessionWriter, SubscriberState, WriterOptions

from .errors import CommandError

logger = logging.getLogger("nexus_writer.serve")
FINALISE_WITHIN_S = 30.0


def serve_session(
    session: str,
    options: WriterOptions,
    *,
    redis_url: str | None,
    beacon: str | None,
    standby: bool,
    ready_file: Path | None,
    log_options: LogOptions,
) -> None:
    """Save the scans of ``session`` until SIGTERM or SIGINT; then finalise those that run.

    As a ``standby``: those that no other writer saves.

    Raises DataError when Redis does not answer at the start (later on, the writer waits for it),
    CommandError when a running scan could not be finalised in time or the writer failed.
    """
    set_up_logging(log_options)
    _make_room_for(ready_file)
    tune_for_a_server()
    connect(redis_url, beacon=beacon).close()
    asked_to_end = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, asked_to_end.set)
    writer = NexusSessionWriter(session, options, redis_url=redis_url, beacon=beacon, standby=standby)
    writer.start()
    ready = gevent.spawn(_tell_ready, writer, ready_file)
    try:
        gevent.wait([asked_to_end, gevent.spawn(writer.join)], count=1)
    finally:
        ready.kill()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
    if not asked_to_end.is_set() and writer.state is SubscriberState.FAULT:
        raise CommandError(writer.reason)
    logger.info("Asked to end: finalising %d running scans", len(writer.running()))
    if not writer.shut_down(FINALISE_WITHIN_S):
        names = ", ".join(scan.name for scan in writer.running())
        raise CommandError(f"{names} could not be finalised within {FINALISE_WITHIN_S:g} s")


def _make_room_for(ready_file: Path | None) -> None:
    """Raises CommandError now where the file could not be made when the writer is ready."""
    if ready_file is None:
        return
    try:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        ready_file.unlink(missing_ok=True)
        with tempfile.TemporaryFile(dir=ready_file.parent):  # the file itself would say that we are ready
            pass
    except OSError as error:
        raise CommandError(
            f"--ready-file {ready_file} cannot be made ({error.strerror}): give another path"
        ) from None


def _tell_ready(writer: NexusSessionWriter, ready_file: Path | None) -> None:
    writer.wait_listening()
    pass_over_what_is_there()
    logger.info("Listening to session %s%s", writer.session, " as a standby" if writer.standby else "")
    if ready_file is not None:
        ready_file.touch()
