"""What a walk can be told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, TypedDict

from nexus_writer.data.stop_handler import StopHandler
from nexus_writer.data.walk_filter import NodeFilter


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
