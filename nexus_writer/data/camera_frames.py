"""Images of a camera, wherever they are.

A camera's memory has the last images of the acquisition that runs, or was the last one: not necessarily of
this scan. Its acquisitions are counted in Redis, under the address of its server, before they begin; so an
image from its memory counts when the number is this scan's before it is read and still is afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from nexus_writer.data.camera_server import CameraServer, camera_server
from nexus_writer.data.description import as_dtype
from nexus_writer.data.encoded_images import VideoImage
from nexus_writer.data.errors import DataError
from nexus_writer.data.lima_status import images_ready
from nexus_writer.model import FrameRun

if TYPE_CHECKING:
    from nexus_writer.data.nodes.lima import LimaImageChannelDataNode

AT_ONCE_NBYTES = 64 * 2**20
"""So much is read from a file at once, or one image."""
_MOST_AT_ONCE = 1000
_AT_ONCE_OF_UNKNOWN_SIZE = 8
_LARGEST_INDEX = 2**31 - 1
"""That a Lima server can be asked for."""


class ImageNotReady(DataError, IndexError):
    """The camera has not got so far."""

    def __init__(self, camera: str, index: int, ready: int) -> None:
        what = f"image {index} is not there, {ready} are" if ready else "it has no image yet"
        super().__init__(f"{camera}: {what}: ask again later")


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


class CameraFrames:
    """The images of a camera as far as ``status``, in the camera's words, says."""

    def __init__(self, camera: LimaImageChannelDataNode, status: dict[str, Any]) -> None:
        self._camera = camera
        self._status = status
        self._ready = images_ready(status)

    def one(self, index: int) -> Frame:
        """Raises ImageNotReady, ImageUnavailable."""
        return next(self.several([index]))

    def several(self, indices: Iterable[int]) -> Iterator[Frame]:
        """One by one, in this order; those that are in files are read from each file together.

        Raises, behind those that could be had, ImageNotReady, ImageUnavailable.
        """
        missing: dict[int, str] = {}
        at_once = self._at_once()
        for index in indices:
            if not 0 <= index < self._ready:
                yield from self._from_files(missing)
                raise ImageNotReady(self._camera.db_name, index, self._ready)
            try:
                frame = Frame(self._from_memory(index), index, "memory")
            except DataError as error:
                missing[index] = str(error)
                if len(missing) >= at_once:
                    yield from self._from_files(missing)
                    missing.clear()
                continue
            yield from self._from_files(missing)
            missing.clear()
            yield frame
        yield from self._from_files(missing)

    def live(self) -> VideoImage | None:
        """What the camera shows; None before it has told its address, and when it shows another scan's.

        Raises TangoMissing, CameraUnreachable, CameraRefused, ImageUndecodable.
        """
        server = self._server()
        if server is None or not self._is_current():
            return None
        image = server.last_image()
        return image if image is not None and self._is_current() else None

    def _from_memory(self, index: int) -> npt.NDArray[Any]:
        server = self._server()
        room = self._status.get("buffer_max_number")
        if server is None or not isinstance(room, Integral):
            raise NotInMemory("the camera does not say where its server is")
        if index > _LARGEST_INDEX or self._ready - index > room:
            raise NotInMemory(f"it has the last {room} images of {self._ready}")
        if self._is_current():
            values = server.read_image(index)
            if self._is_current():
                return values
        raise NotInMemory("the camera has begun another acquisition")

    def _from_files(self, missing: dict[int, str]) -> Iterator[Frame]:
        """Images by their index, with the reason why they are not in memory."""
        for start, stop in _together(list(missing)):
            memory = missing[start]
            try:
                saving = self._camera.saving
                if saving is None:
                    raise ImagesNotSaved(self._camera.db_name)
            except DataError as error:
                raise ImageUnavailable(self._camera.db_name, start, memory, str(error)) from None
            for run in saving.places(start, stop):
                yield from self._of_run(run, saving.format, memory)

    def _of_run(self, run: FrameRun, format: str, memory: str) -> Iterator[Frame]:
        """All together; one by one where that fails, up to the one that is not there."""
        from nexus_writer.data.image_files import read_images

        try:
            images = read_images(run, format, self._camera.shape)
        except DataError as error:
            if run.count == 1:
                raise ImageUnavailable(self._camera.db_name, run.start, memory, str(error)) from None
        else:
            for index, image in enumerate(images, run.start):
                yield Frame(image, index, "file")
            return
        for ahead in range(run.count):
            one = FrameRun(run.start + ahead, 1, run.file, run.dataset, run.first + ahead)
            yield from self._of_run(one, format, memory)

    def _at_once(self) -> int:
        try:
            nbytes = math.prod(self._camera.shape) * as_dtype(self._camera.dtype).itemsize
        except ValueError:
            nbytes = 0
        if nbytes <= 0:
            return _AT_ONCE_OF_UNKNOWN_SIZE
        return min(_MOST_AT_ONCE, max(1, AT_ONCE_NBYTES // nbytes))

    def _server(self) -> CameraServer | None:
        url = self._status.get("server_url")
        return camera_server(url) if isinstance(url, str) and url else None

    def _is_current(self) -> bool:
        """Whether the camera's last acquisition is the one of this scan."""
        number: Any = self._camera.connection.get(self._status["server_url"])
        return number is not None and number == str(self._status.get("lima_acq_nb")).encode()


def _together(indices: list[int]) -> list[tuple[int, int]]:
    """Ranges ``start, stop`` of indices that follow each other."""
    starts = [0, *(at for at, (one, other) in enumerate(pairwise(indices), 1) if other != one + 1)]
    ends = [*starts[1:], len(indices)]
    return [(indices[a], indices[b - 1] + 1) for a, b in zip(starts, ends, strict=True)] if indices else []
