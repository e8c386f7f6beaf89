"""Images of a camera, wherever they are.

A camera's memory has the last images of the acquisition that runs, or was the last one: not necessarily of
this scan. Its acquisitions are counted in Redis, under the address of its server, before they begin; so an
image from its memory counts when the number is this scan's before it is read and still is afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from nexus_writer.data.camera_server import CameraServer, camera_server
from nexus_writer.data.errors import DataError
from nexus_writer.data.image_references import ImageReference
from nexus_writer.data.lima_status import images_ready, images_saved

if TYPE_CHECKING:
    from .lima import LimaImageChannelDataNode

_NUMBERED_MODES = frozenset({"EXTERNAL_TRIGGER_MULTI", "INTERNAL_TRIGGER_MULTI"})
"""In these a camera numbers live images as the scan does; in others it begins anew within a scan."""
_LARGEST_INDEX = 2**31 - 1
"""That a Lima server can be asked for."""


class ImageNotReady(DataError, IndexError):
    """The camera has not got so far."""

    def __init__(self, camera: str, index: int, ready: int) -> None:
        super().__init__(f"{camera}: image {index} is not there, {ready} are: ask again when it is")


class ImagesNotSaved(DataError):
    """The camera says that it saves nothing."""

    def __init__(self, camera: str) -> None:
        super().__init__(f"{camera} does not save its images: take them from its memory while they are there")


class ImageUnavailable(DataError):
    """An image that was measured is neither in the camera's memory nor in its file."""

    def __init__(self, camera: str, index: int, memory: str, file: str) -> None:
        super().__init__(f"{camera}: no image {index}. Memory: {memory}. File: {file}")


class NotInMemory(DataError):
    """The camera's memory has it no more."""


class Frame(NamedTuple):
    """An image, (rows, columns), and where it was: "memory", "file" or "video".

    ``frame_number`` counts from 0 in the scan; None for a live image of a camera that counts otherwise.
    """

    data: npt.NDArray[Any]
    frame_number: int | None
    source: str


class LimaDataView:
    """Images ``from_index`` to ``to_index`` (included; to the last one when it is negative) of a camera.

    Nothing is kept: each question asks Redis how far the camera is. Images are counted from 0 in the scan;
    only ``[]`` counts from ``from_index``, as in a list.
    """

    def __init__(
        self, camera: LimaImageChannelDataNode, from_index: int, to_index: int, *, one: bool = False
    ) -> None:
        self.from_index = from_index
        self._to_index = to_index
        self._camera = camera
        self._is_one = one

    @property
    def status(self) -> dict[str, Any]:
        """In the camera's words."""
        return self._camera.status

    @property
    def last_image_ready(self) -> int:
        """-1 when there is none."""
        return images_ready(self.status) - 1

    @property
    def last_image_saved(self) -> int:
        """-1 when there is none, or the camera does not say."""
        return images_saved(self.status) - 1

    @property
    def to_index(self) -> int:
        """Of the last image of this view that is ready."""
        ready = self.last_image_ready
        return ready if self._to_index < 0 else min(self._to_index, ready)

    @property
    def last_index(self) -> int:
        """Behind that: the end of a range."""
        return self.to_index + 1

    def __len__(self) -> int:
        return max(0, self.last_index - self.from_index)

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Those that are ready now."""
        return map(self.get_image, range(self.from_index, self.last_index))

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> npt.NDArray[Any]: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[Any]:
        """One image, or several as (n, rows, columns)."""
        found = range(self.from_index, self.last_index)[index]
        return self.get_image(found) if isinstance(found, int) else _stacked(map(self.get_image, found))

    def as_array(self) -> npt.NDArray[Any]:
        """(n, rows, columns); (rows, columns) of a view that was asked for with one index alone."""
        return self.get_image(self.from_index) if self._is_one else _stacked(self)

    def get_image(self, index: int) -> npt.NDArray[Any]:
        """From the memory of the camera when it is there, else from its file.

        Raises ImageNotReady, and ImageUnavailable.
        """
        return self._frame(index, self.status).data

    def get_last_image(self) -> Frame:
        """The last one that can be had: of those in files the last that is saved.

        Raises ImageNotReady when there is none, and ImageUnavailable.
        """
        status = self.status
        ready, saved = images_ready(status), images_saved(status)
        try:
            return self._frame(ready - 1, status)
        except ImageUnavailable:
            if not 0 < saved < ready:
                raise
        return self._frame(saved - 1, status)

    def get_last_live_image(self) -> Frame | None:
        """What the camera shows now; None without an image of this scan, or before it has told its address.

        Raises TangoMissing, CameraUnreachable, CameraRefused, ImageUndecodable.
        """
        status = self.status
        server = self._server(status)
        if server is None or not self._is_current(status):
            return None
        image = server.last_image()
        if image is None or not self._is_current(status):
            return None
        numbered = self._camera.first_ref_data.get("acq_trigger_mode") in _NUMBERED_MODES
        return Frame(image.values, image.frame_number if numbered else None, "video")

    def image_reference(self, index: int, saved: bool = False) -> ImageReference:
        """As ``image_references``, of one."""
        return self.image_references([index], saved)[0]

    def image_references(self, indices: Iterable[int], saved: bool = False) -> list[ImageReference]:
        """Where images are, or will be; with ``saved`` only for those that are saved.

        Raises ImageNotReady, ImagesNotSaved, UnusableSaving.
        """
        wanted = list(indices)
        there = self._count(saved)
        for index in wanted:
            if not 0 <= index < there:
                raise ImageNotReady(self._camera.db_name, index, there)
        references = self._references(there)
        return [references[index] for index in wanted]

    def all_image_references(self, saved: bool = False) -> Sequence[ImageReference]:
        """Of all images of the camera that are ready, or are saved, whatever the range of this view is.

        Raises ImagesNotSaved, UnusableSaving.
        """
        return self._references(self._count(saved))

    def _count(self, saved: bool) -> int:
        return (images_saved if saved else images_ready)(self.status)

    def _references(self, stop: int) -> Sequence[ImageReference]:
        references = self._camera.references(0, max(1, stop))
        if not references:
            raise ImagesNotSaved(self._camera.db_name)
        return references if stop else []

    def _frame(self, index: int, status: dict[str, Any]) -> Frame:
        ready = images_ready(status)
        if not 0 <= index < ready:
            raise ImageNotReady(self._camera.db_name, index, ready)
        try:
            return Frame(self._from_memory(index, ready, status), index, "memory")
        except DataError as error:
            memory = str(error)
        try:
            return Frame(self._from_file(index), index, "file")
        except DataError as error:
            raise ImageUnavailable(self._camera.db_name, index, memory, str(error)) from None

    def _from_memory(self, index: int, ready: int, status: dict[str, Any]) -> npt.NDArray[Any]:
        server = self._server(status)
        room = status.get("buffer_max_number")
        if server is None or not isinstance(room, Integral):
            raise NotInMemory("the camera does not say where its server is")
        if index > _LARGEST_INDEX or ready - index > room:
            raise NotInMemory(f"it has the last {room} images of {ready}")
        if self._is_current(status):
            values = server.read_image(index)
            if self._is_current(status):
                return values
        raise NotInMemory("the camera has begun another acquisition")

    def _from_file(self, index: int) -> npt.NDArray[Any]:
        from nexus_writer.data.image_files import read_image

        return read_image(self._references(index + 1)[index], len(self._camera.shape) or 2)

    def _server(self, status: dict[str, Any]) -> CameraServer | None:
        url = status.get("server_url")
        return camera_server(url) if isinstance(url, str) and url else None

    def _is_current(self, status: dict[str, Any]) -> bool:
        """Whether the camera's last acquisition is the one of this scan."""
        number: Any = self._camera.connection.get(status["server_url"])
        return number is not None and number == str(status.get("lima_acq_nb")).encode()


def _stacked(images: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    found = list(images)
    return np.stack(found) if found else np.empty((0, 0, 0))
