"""The cameras of one scan."""

from __future__ import annotations

from collections.abc import Callable

from nexus_writer.hdf5 import FileBroken
from nexus_writer.model import ChannelDescription, FrameFiles

from .camera_data import CameraData


class Cameras:
    """By channel key. What goes wrong with one, ``lose`` is told, and the others go on. Raises FileBroken."""

    def __init__(self, lose: Callable[[str, str], None]) -> None:
        self._lose = lose
        self._cameras: dict[str, CameraData] = {}

    def __len__(self) -> int:
        return len(self._cameras)

    def add(self, key: str, camera: CameraData) -> None:
        self._cameras[key] = camera

    def clear(self) -> None:
        """Forget all of them: their file is being closed."""
        self._cameras.clear()

    @property
    def points(self) -> dict[str, int]:
        """Frames in their datasets; of those that save."""
        return {key: camera.points for key, camera in self._cameras.items() if camera.is_saving}

    def describe(self, channel: ChannelDescription, files: FrameFiles) -> None:
        """A camera says where it saves, and what its frames are like."""
        camera = self._cameras.get(channel.key)
        if camera is not None:
            self._attempt(channel.key, lambda: camera.describe(channel, files))

    def refer(self, key: str, frames: int) -> None:
        """So many frames of a camera can be read, or should be; the next ``update`` goes for them."""
        camera = self._cameras.get(key)
        if camera is not None:
            camera.refer(frames)

    def update(self) -> None:
        """Go on with all of them, for a moment."""
        for key, camera in list(self._cameras.items()):
            self._attempt(key, camera.update)

    def seconds_to_update(self) -> float | None:
        """Until something can be done again; None when there is nothing to do."""
        due = [camera.seconds_to_update() for camera in self._cameras.values()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def publish(self) -> bool:
        """Let readers see what was flushed; True when the file has to be flushed for that."""
        published = False
        for key, camera in list(self._cameras.items()):

            def publish(camera: CameraData = camera) -> None:
                nonlocal published
                published |= camera.publish()

            self._attempt(key, publish)
        return published

    def patience_s(self) -> float:
        """How long the end of the scan may wait for more of them, 0 when all is there."""
        return max((camera.patience_s() for camera in self._cameras.values()), default=0.0)

    def complete(self) -> None:
        """No more frames will come."""
        for key, camera in list(self._cameras.items()):

            def complete(camera: CameraData = camera, key: str = key) -> None:
                why = camera.complete()
                if why:
                    self._lose(key, f"{camera.channel.name}: {why}")

            self._attempt(key, complete)

    def close(self) -> None:
        """After the flush that follows ``complete`` and ``publish``: tell what is missing."""
        for key, camera in list(self._cameras.items()):
            self._attempt(key, camera.close)

    def _attempt(self, key: str, act: Callable[[], None]) -> None:
        try:
            act()
        except FileBroken:
            raise
        except Exception as error:
            camera = self._cameras.pop(key)
            self._lose(key, f"frames of {camera.channel.name} are not saved: {error}")
