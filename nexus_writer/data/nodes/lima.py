"""Cameras: Redis has their status and where their images are, not the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy.typing as npt
import redis

from nexus_writer.data import keys
from nexus_writer.data.image_references import ImageReference, ImageReferences
from nexus_writer.data.info import NodeRecord, decoded
from nexus_writer.data.lima_saving import LimaSaving
from nexus_writer.data.lima_status import images_ready, status_of
from nexus_writer.data.path_maps import path_maps
from nexus_writer.data.pickles import dumps
from nexus_writer.data.stream_id import parsed

from .channel import ChannelNode
from .lima_view import LimaDataView


class LimaImageChannelDataNode(ChannelNode):
    """Images of a camera. Its length is the number of images that the camera has ready.

    ``path_map`` says where this host sees the directories that cameras save in, ``{"/data": "/mnt/data"}``;
    None leaves it to the environment, NEXUS_WRITER_PATH_MAP=/data=/mnt/data.
    """

    SUFFIXES = (*ChannelNode.SUFFIXES, keys.DATA_REF_SUFFIX)

    path_map: Mapping[str, str] | None

    def __init__(
        self,
        name: str,
        connection: redis.Redis | None = None,
        *,
        record: NodeRecord | None = None,
        path_map: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, connection, record=record)
        self.path_map = path_map
        self._stored: dict[str, Any] = {}
        self._events: int | None = None

    def store(self, event_dict: Mapping[str, Any], cnx: redis.Redis | None = None) -> None:
        """Publish ``{"data": status}``: what has changed of it since the last time.

        With ``in_prepare`` among the status the camera begins an acquisition: ``description`` says where and
        what it saves, and the acquisition gets the next number of its ``server_url``.
        ``cnx`` may be a pipeline for all but that.
        """
        status = dict(event_dict["data"])
        if status.pop("in_prepare", False):
            self._prepare(status, dict(event_dict["description"]))
            return
        self._stored |= status
        if self._events is None:
            stream: Any = keys.data(self.db_name)
            last: Any = self.connection.xrevrange(stream, count=1)
            self._events = parsed(last[0][0])[0] if last else 0
        event = (keys.EVENT_FIELD, b"LIMAIMAGESTATUS", keys.STATUS_FIELD, dumps(self._stored))
        self.add_event(self._events + 1, event, cnx)
        self._events += 1

    def _prepare(self, status: dict[str, Any], description: dict[str, Any]) -> None:
        self.info.update(description)
        self.connection.rpush(keys.to_text(keys.data_ref(self.db_name)), dumps(description))
        number: Any = self.connection.incr(status["server_url"])
        self._stored = {**status, "lima_acq_nb": int(number)}

    def _own_keys(self) -> list[str]:
        """With that of the camera's acquisitions, by the address of its server."""
        url = self.status.get("server_url")
        return [*super()._own_keys(), *([url] if isinstance(url, str) and url else [])]

    @property
    def status(self) -> dict[str, Any]:
        """What the camera said last: last_image_ready, last_image_saved, ...; {} before it said anything."""
        stream: Any = keys.data(self.db_name)
        found: Any = self.connection.xrevrange(stream, count=1)
        return status_of(found[0][1].get(keys.STATUS_FIELD)) if found else {}

    def __len__(self) -> int:
        return images_ready(self.status)

    def get(self, from_index: int, to_index: int | None = None) -> LimaDataView:
        """A view of one image, or of those from ``from_index`` to ``to_index``, both included.

        They may be still to come. A negative ``to_index`` means up to the last one, whichever that is when
        the view is asked; a negative ``from_index`` counts from the last one that is ready now.
        """
        first = max(0, from_index + len(self)) if from_index < 0 else from_index
        return LimaDataView(self, first, first if to_index is None else to_index, one=to_index is None)

    def get_as_array(self, from_index: int, to_index: int | None = None) -> npt.NDArray[Any]:
        """As ``get``, the images themselves: (rows, columns), or (n, rows, columns) of several."""
        return self.get(from_index, to_index).as_array()

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """The images that are ready now."""
        return iter(self.get(0, -1))

    @property
    def all_ref_data(self) -> list[dict[str, Any]]:
        """What the camera said of its saving, each time that it was prepared."""
        items: Any = self.connection.lrange(keys.to_text(keys.data_ref(self.db_name)), 0, -1)
        found = [decoded(item, "data_ref") for item in items]
        return [one if isinstance(one, dict) else {} for one in found]

    @property
    def first_ref_data(self) -> dict[str, Any]:
        """The first preparation, the one that holds; what the node's info says where there is none."""
        found = self.all_ref_data
        return found[0] if found else self.info.get_all()

    @property
    def images_per_file(self) -> int:
        """0 where it is not known, or not limited."""
        return self._said("saving_frame_per_file")

    @property
    def images_per_acquisition(self) -> int:
        """0 where it is not known, or not limited."""
        return self._said("saving_frame_per_acquisition")

    @property
    def saving(self) -> LimaSaving | None:
        """Its files, where this host sees them; None for a camera that does not save.

        Raises UnusableSaving, BadPathMap.
        """
        return LimaSaving.from_description(self.first_ref_data, path_maps(self.path_map).apply)

    def references(self, start: int, stop: int) -> Sequence[ImageReference]:
        """Where the images ``start`` to ``stop`` (not included) are, or will be, saved; [] when they are not.

        Raises UnusableSaving, BadPathMap.
        """
        saving = self.saving if start < stop else None
        if saving is None:
            return []
        return ImageReferences(saving, str(self.first_ref_data.get("saving_format", "")), start, stop)

    def _said(self, field: str) -> int:
        number = self.first_ref_data.get(field)
        return int(number) if isinstance(number, Integral) else 0
