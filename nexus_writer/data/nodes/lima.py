"""Cameras: Redis has their status and where their images are, not the images."""

from __future__ import annotations

from typing import Any

from nexus_writer.data import keys
from nexus_writer.data.info import decoded

from .channel import ChannelNode


class LimaImageChannelDataNode(ChannelNode):
    """Images of a camera. Its length is the number of images that the camera has ready."""

    @property
    def status(self) -> dict[str, Any]:
        """What the camera said last: last_image_ready, last_image_saved, ...; {} before it said anything."""
        stream: Any = keys.data(self.db_name)
        found: Any = self.connection.xrevrange(stream, count=1)
        return status_of(found[0][1].get(keys.STATUS_FIELD)) if found else {}

    def __len__(self) -> int:
        return images_ready(self.status)


def status_of(pickled: bytes | None) -> dict[str, Any]:
    """The status in an entry of a camera's stream; {} where there is none."""
    status = decoded(pickled, "__STATUS__") if pickled is not None else None
    return status if isinstance(status, dict) else {}


def images_ready(status: dict[str, Any]) -> int:
    last = status.get("last_image_ready", -1)
    return int(last) + 1 if isinstance(last, int) else 0
