"""What a walk can be told."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Protocol, TypedDict

from nexus_writer.data.stop_handler import StopHandler
from nexus_writer.data.walk_filter import NodeFilter, check_filter

_STREAM_ID = re.compile(r"\d+(-\d+)?")


class Settable(Protocol):
    """An event of threading, gevent, multiprocessing or nexus_writer.concurrency."""

    def set(self) -> Any: ...


class WalkOptions(TypedDict, total=False):
    """What a walk can be told."""

    exclude_children: NodeFilter
    """Nodes that are told of, with their PREPARED_SCAN and END_SCAN, but nothing that is below them."""
    exclude_existing_children: NodeFilter
    """The same for nodes that were announced before ``first_index``. Default: ``exclude_children``."""
    wait: bool
    """False: end when everything that is there was told."""
    stop_handler: StopHandler | None
    first_index: int | str | bytes | None
    """Only what was announced behind this stream id, or time in ms of the server; None: from now on."""
    started_event: Settable | None
    """Is set when nothing more can be missed."""
    excluded_stream_names: Collection[str]
    """Streams that are never read."""
    active_streams: dict[str, Any]
    """Empty, or as another walk left it: then this walk goes on where that one ended, by its streams."""
    filter: NodeFilter
    """The old name of ``include_filter``."""


def check_options(options: Mapping[str, Any]) -> None:
    """Raises TypeError and ValueError, in one line, for what no walk can be told."""
    unknown = sorted(set(options) - WalkOptions.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(WalkOptions.__optional_keys__ - {"filter"}))
        raise TypeError(f"a walk has no option {unknown[0]}: it has include_filter, {known}")
    for name in ("exclude_children", "exclude_existing_children", "filter"):
        check_filter(options.get(name), name)
    _check_first_index(options.get("first_index"))
    stop_handler, started_event = options.get("stop_handler"), options.get("started_event")
    if stop_handler is not None and not isinstance(stop_handler, StopHandler):
        raise TypeError(f"stop_handler is to be a StopHandler, not {stop_handler!r:.60}")
    if started_event is not None and not callable(getattr(started_event, "set", None)):
        raise TypeError(f"started_event is to be an event with set(), not {started_event!r:.60}")


def _check_first_index(since: object) -> None:
    if since is None or (isinstance(since, int) and since >= 0):
        return
    text = since.decode("ascii", "replace") if isinstance(since, bytes) else since
    if not isinstance(text, str) or not _STREAM_ID.fullmatch(text):
        raise ValueError(f"first_index is to be a time in ms, a stream id like 12-0, or None: {since!r:.60}")
