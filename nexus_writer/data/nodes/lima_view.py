"""A range of images of a camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from nexus_writer.data.camera_frames import (
    CameraFrames,
    Frame,
    ImageNotReady,
    ImagesNotSaved,
    ImageUnavailable,
)
from nexus_writer.data.image_references import ImageReference
from nexus_writer.data.lima_status import images_ready, images_saved

if TYPE_CHECKING:
    from .lima import LimaImageChannelDataNode

_NUMBERED_MODES = frozenset({"EXTERNAL_TRIGGER_MULTI", "INTERNAL_TRIGGER_MULTI"})
"""In these a camera numbers live images as the scan does; in others it begins anew within a scan."""


class LimaDataView:
    """Images ``from_index`` to ``to_index`` (included; to the last one when it is negative) of a camera.

    Nothing is kept: each question asks Redis how far the camera is. Images are counted from 0 in the scan;
    only ``[]`` counts from ``from_index``, as in a list. What else the camera says of itself are attributes:
    last_image_acquired, acq_state, buffer_max_number ...
    """

    def __init__(
        self, camera: LimaImageChannelDataNode, from_index: int, to_index: int, *, one: bool = False
    ) -> None:
        self.from_index = from_index
        self._to_index = to_index
        self._camera = camera
        self._is_one = one

    def __getattr__(self, name: str) -> Any:
        """What the status has under that name."""
        status = {} if name.startswith("_") else self.status
        if name not in status:
            raise AttributeError(f"a camera's images have no {name}, nor has its status")
        return status[name]

    @property
    def status(self) -> dict[str, Any]:
        """In the camera's words."""
        return self._camera.status

    @property
    def all_ref_data(self) -> list[dict[str, Any]]:
        return self._camera.all_ref_data

    @property
    def first_ref_data(self) -> dict[str, Any]:
        return self._camera.first_ref_data

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
        return self._images(range(self.from_index, self.last_index))

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> npt.NDArray[Any]: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[Any]:
        """One image, or several as (n, rows, columns)."""
        found = range(self.from_index, self.last_index)[index]
        if isinstance(found, int):
            return self.get_image(found)
        if found.step < 0:
            return _stacked(self._images(found[::-1]))[::-1]
        return _stacked(self._images(found))

    def as_array(self) -> npt.NDArray[Any]:
        """(n, rows, columns); (rows, columns) of a view that was asked for with one index alone."""
        return self.get_image(self.from_index) if self._is_one else _stacked(self)

    def get_image(self, index: int) -> npt.NDArray[Any]:
        """From the memory of the camera when it is there, else from its file.

        Raises ImageNotReady, and ImageUnavailable.
        """
        return CameraFrames(self._camera, self.status).one(index).data

    def get_images(self, from_index: int, to_index: int) -> npt.NDArray[Any]:
        """Both included, whatever the range of this view is; (n, rows, columns).

        A negative ``to_index`` means up to the last one that is ready. Each file is opened once, and what is
        wanted of it is read together. Raises ImageNotReady, and ImageUnavailable for the first that is not
        there.
        """
        status = self.status
        last = images_ready(status) - 1 if to_index < 0 else to_index
        frames = CameraFrames(self._camera, status).several(range(from_index, last + 1))
        return _stacked(frame.data for frame in frames)

    def get_last_image(self) -> Frame:
        """The last one that can be had: of those in files the last that is saved.

        Raises ImageNotReady when there is none, and ImageUnavailable.
        """
        status = self.status
        frames = CameraFrames(self._camera, status)
        ready, saved = images_ready(status), images_saved(status)
        try:
            return frames.one(ready - 1)
        except ImageUnavailable:
            if not 0 < saved < ready:
                raise
        return frames.one(saved - 1)

    def get_last_live_image(self) -> Frame | None:
        """What the camera shows now; None without an image of this scan, or before it has told its address.

        Raises TangoMissing, CameraUnreachable, CameraRefused, ImageUndecodable.
        """
        image = CameraFrames(self._camera, self.status).live()
        if image is None:
            return None
        return Frame(
            image.values, image.frame_number if self.is_video_frame_have_meaning() else None, "video"
        )

    def is_video_frame_have_meaning(self) -> bool:
        """Whether the numbers of live images are those of the scan."""
        return self._camera.first_ref_data.get("acq_trigger_mode") in _NUMBERED_MODES

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

    def iter_image_references(
        self, indices: Iterable[int] | None = None, saved: bool = False
    ) -> Iterator[ImageReference]:
        """As ``image_references``, up to the first image that is not ready, or saved; None: of all images.

        Raises ImagesNotSaved, UnusableSaving.
        """
        references = self.all_image_references(saved)
        for index in range(len(references)) if indices is None else indices:
            if not 0 <= index < len(references):
                return
            yield references[index]

    def _count(self, saved: bool) -> int:
        return (images_saved if saved else images_ready)(self.status)

    def _references(self, stop: int) -> Sequence[ImageReference]:
        references = self._camera.references(0, max(1, stop))
        if not references:
            raise ImagesNotSaved(self._camera.db_name)
        return references if stop else []

    def _images(self, indices: range) -> Iterator[npt.NDArray[Any]]:
        return (frame.data for frame in CameraFrames(self._camera, self.status).several(indices))


def _stacked(images: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    found = list(images)
    return np.stack(found) if found else np.empty((0, 0, 0))
