"""A camera: its frames go through the stream, or into files, and then the stream tells where they are."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nexus_writer.data.publishing.lima import SavingSpec

from ..dtypes import described
from .frames import Frames
from .paced_node import DEFAULT_RATE_HZ
from .saved_frames import SavedFrames
from .simulated_detector import SimulatedDetector

__all__ = ["CameraDetector"]


class CameraDetector(SimulatedDetector):
    """Output ``frames``: images, (points, rows, columns); or with a ``directory`` references to them.

    A reference is (file, dataset, index), as in ``expected_references``; its frame can be read when it comes.
    ``expected`` are the frames in both cases. The stream's parameter ``saving`` holds the fields of a
    ``SavingSpec``, and ``frame_shape`` and ``frame_dtype`` say what a frame is. Files that exist are not
    overwritten: a ``start`` that would is a FileExistsError.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"frames": {}}

    def _configure(
        self,
        *,
        shape: tuple[int, int] = (512, 512),
        dtype: str = "uint16",
        rate_hz: float = DEFAULT_RATE_HZ,
        npoints: int | None = None,
        noise: bool = True,
        seed: int = 0,
        units: str = "",
        directory: str | None = None,
        prefix: str = "cam_",
        frames_per_file: int = 100,
        block_points: int | None = None,
    ) -> None:
        self._set_pace(rate_hz, npoints, block_points)
        rows, columns = shape
        self._frames = Frames((rows, columns), dtype, noise, seed)
        self._simulate(self._frames.make, seed, block_points=1)
        self._saved = None
        frame_dtype = np.dtype(dtype).str
        spec: dict[str, Any] = {"units": units, "frame_shape": (rows, columns), "frame_dtype": frame_dtype}
        if directory is None:
            spec |= {"streamtype": "image/video", "shape": (-1, rows, columns), "dtype": frame_dtype}
        else:
            self._saved = _saved(directory, prefix, frames_per_file, self._frames, npoints)
            reference = described(np.dtype(self._saved.reference_dtype))
            spec |= {"streamtype": "event", "shape": (-1,), "dtype": reference, "saving": self._saved.params}
        self._set_output("frames", **spec)

    def expected_references(self, start: int, stop: int) -> NDArray[Any]:
        """Where the frames are; ValueError for a camera that writes no files."""
        if self._saved is None:
            raise ValueError("the camera sends its frames by value: configure a directory")
        return self._saved.references(start, stop)

    def _start(self) -> None:
        if self._saved is not None:
            self._saved.check_free()
        super()._start()

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            if self._saved is not None:
                self._saved.close()

    def _send_points(self, start: int, stop: int) -> None:
        if self._saved is None:
            super()._send_points(start, stop)
            return
        for number, frame in enumerate(self._simulated.values(start, stop), start):
            self._saved.write(number, frame)
        self._send(self.output, self._saved.references(start, stop), stop)


def _saved(
    directory: str, prefix: str, frames_per_file: int, frames: Frames, npoints: int | None
) -> SavedFrames:
    if frames_per_file < 1:
        raise ValueError(f"frames_per_file {frames_per_file}: give 1 or more")
    spec = SavingSpec(directory, prefix, frames_per_file=frames_per_file)
    return SavedFrames(spec, frames.shape, frames.dtype, npoints)
