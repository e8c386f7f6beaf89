"""What happens to nodes, as a walk tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nexus_writer.data.nodes import DataNode


class EventType(Enum):
    """Kinds of event. ``event.type.END_SCAN`` works as well as ``EventType.END_SCAN``."""

    NEW_NODE = 1
    NEW_DATA = 2
    END_SCAN = 3
    PREPARED_SCAN = 4


@dataclass(frozen=True, slots=True)
class EventData:
    """What an event carries.

    NEW_DATA of a channel: ``data`` has the shape (n,) + the shape of one point, ``first_index`` is the index
    of its first point and ``block_size`` is n; ``description`` says dtype, shape and unit.
    NEW_DATA of references to nodes: ``data`` is a list of n nodes, None where a node is gone.
    NEW_DATA of a camera: ``first_index`` is the number of images announced before, ``data`` where the new
    ones are saved, an ImageReference each (nothing when they are not), ``description`` the camera's status,
    whose ``last_image_ready`` + 1 images are there; ``block_size`` is 0.
    PREPARED_SCAN and END_SCAN: ``first_index`` is the time of the event in ms of the server's clock, ``data``
    the event's name, ``description`` the exception that ended the scan, "" for none.
    """

    first_index: int = -1
    data: Any = None
    description: Any = None
    block_size: int = 0


class Event(NamedTuple):
    """Something that happened to ``node``; ``data`` is None for NEW_NODE."""

    type: EventType
    node: DataNode
    data: EventData | None
