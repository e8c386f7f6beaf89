"""From the entries of one data stream to NEW_DATA events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from nexus_writer.data import keys
from nexus_writer.data.errors import Undecodable
from nexus_writer.data.events import Event, EventData, EventType
from nexus_writer.data.image_references import ImageReference
from nexus_writer.data.info import decoded, pairs
from nexus_writer.data.lima_saving import UnusableSaving
from nexus_writer.data.lima_status import images_ready, status_of
from nexus_writer.data.nodes import DataNode, LimaImageChannelDataNode, NodeRefChannelNode
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.streams import RawEntry
from nexus_writer.model import Block

logger = logging.getLogger(__name__)


class PointEvents:
    """Events of one node with data. Entries that are read together make one event.

    Where points are missing, or change their shape, the next event begins: ``first_index`` is right for all
    points of an event, and points are never filled up to equal lengths. Entries of 64 kB and more come alone.
    """

    def __init__(self, node: DataNode) -> None:
        self.node = node
        self.given_up = False
        self._decoder = PointDecoder(node.db_name)
        self._next_index = 0
        self._unusable = False
        self._pickled_description = b""
        self._description: dict[str, Any] = {}

    def of(self, entries: Sequence[RawEntry]) -> list[Event]:
        """``given_up`` is set when one cannot be decoded: nothing more can be had of this node."""
        if isinstance(self.node, LimaImageChannelDataNode):
            return [self._event(self._status_data(self.node, entries))]
        blocks = self._blocks(entries)
        description = self._described(entries[0]) if blocks else {}
        return [self._event(self._block_data(block, description)) for block in blocks]

    def _event(self, data: EventData) -> Event:
        return Event(EventType.NEW_DATA, self.node, data)

    def _blocks(self, entries: Sequence[RawEntry]) -> list[Block]:
        try:
            return self._decoder.decode(entries)
        except Undecodable as error:
            logger.warning("%s", error)
            self.given_up = True
            return error.decoded

    def _block_data(self, block: Block, description: dict[str, Any]) -> EventData:
        if block.start > self._next_index:
            text = "%s: points %d to %d were dropped by Redis, or never published, before they could be read"
            logger.warning(text, self.node.db_name, self._next_index, block.start - 1)
        self._next_index = block.stop
        values: Any = np.require(block.values, requirements=["ALIGNED", "WRITEABLE"])
        if isinstance(self.node, NodeRefChannelNode):
            values = self.node.nodes(list(values))
        else:
            description = {**description, "dtype": values.dtype, "shape": values.shape[1:]}
        return EventData(block.start, values, description, len(block))

    def _status_data(self, camera: LimaImageChannelDataNode, entries: Sequence[RawEntry]) -> EventData:
        """Asks Redis where the camera saves, so it may raise; nothing has changed then."""
        status = status_of(pairs(entries[-1][1]).get(keys.STATUS_FIELD))
        first = self._next_index
        stop = max(first, images_ready(status))
        references = self._references(camera, first, stop) if stop > first else []
        self._next_index = stop
        return EventData(first, references, status)

    def _references(
        self, camera: LimaImageChannelDataNode, start: int, stop: int
    ) -> Sequence[ImageReference]:
        try:
            return camera.references(start, stop)
        except UnusableSaving as error:
            if not self._unusable:
                logger.warning("%s: %s", camera.db_name, error)
            self._unusable = True
            return []

    def _described(self, entry: RawEntry) -> dict[str, Any]:
        pickled = pairs(entry[1]).get(keys.DESCRIPTION_FIELD, b"")
        if pickled != self._pickled_description:
            description = decoded(pickled, "__DESC__")
            self._description = description if isinstance(description, dict) else {}
            self._pickled_description = pickled
        return self._description
