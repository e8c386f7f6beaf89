"""What goes from a walk in a process of its own to its caller: nodes and events without their logic."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

from nexus_writer.data.events import EventData, EventType
from nexus_writer.data.nodes import DataNode
from nexus_writer.data.opaque import Opaque

__all__ = ["Batch", "Failed", "NodeContent", "RemoteEvent", "Started", "WalkEnded", "content_of"]


@dataclass(frozen=True, slots=True)
class NodeContent:
    """A node as it was when an event told of it.

    ``info`` is read when the node is first told of, and again when a scan is prepared and has ended.
    ``redis_url`` is for who needs more of the node: ``redis.Redis.from_url(content.redis_url)``.
    """

    type: str | None
    name: str
    db_name: str
    info: dict[str, Any]
    redis_url: str


class RemoteEvent(NamedTuple):
    """An Event whose node is a NodeContent; so are nodes that it has as data."""

    type: EventType
    node: NodeContent
    data: EventData | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events, each with the number of its node, and the nodes that are new or have changed."""

    nodes: dict[int, NodeContent]
    events: list[tuple[EventType, int, EventData | None]]


@dataclass(frozen=True, slots=True)
class Failed:
    """What the walk raised; it goes on when it is asked again. ``failures``: how often it has failed."""

    error: Any
    failures: int


@dataclass(frozen=True, slots=True)
class Started:
    """Nothing more can be missed."""


@dataclass(frozen=True, slots=True)
class WalkEnded:
    """Everything was told."""


def content_of(node: DataNode, redis_url: str) -> NodeContent:
    """Asks Redis for the info."""
    return NodeContent(node.type, node.name, node.db_name, node.info.get_all(), redis_url)


def _opaque_between_processes(value: Opaque) -> tuple[type[Opaque], tuple[str, str]]:
    return Opaque, (value.module, value.name)


# An Opaque refuses to be pickled, so that none is ever published; between our processes it may travel.
ForkingPickler.register(Opaque, _opaque_between_processes)
