"""Cameras on their way from a publisher to Redis: where they save, and how far they are.

scan = dataset.scan(ScanSpec("loopscan", (timer(DeviceSpec("cam", (camera((512, 512)),))),), npoints=10))
scan.prepare()
cam = scan.camera("cam:image")
cam.prepare(SavingSpec(directory, frames_per_file=5))
...                                          # the camera writes frames 0 and 1 into its files
cam.publish_status(ready=2, saved=2)
scan.flush()
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nexus_writer.data import keys
from nexus_writer.data.cameras import CAMERA_TYPE
from nexus_writer.data.pickles import dumps

from .chain import ChannelSpec
from .nodes import NodePublisher

DEVICE_TYPE = "lima"


def camera(
    shape: tuple[int, int], dtype: Any = np.uint16, *, name: str = "image", **channel: Any
) -> ChannelSpec:
    """The frames of a camera, (rows, columns) each; a device for them alone is named like the camera."""
    counter = {"device_info": {"type": DEVICE_TYPE}, "device_type": DEVICE_TYPE}
    return ChannelSpec(name, dtype, shape, node_type=CAMERA_TYPE, **{"counter": counter, **channel})


@dataclass(frozen=True, slots=True)
class SavingSpec:
    """What a Lima camera says of its files: see :class:`~nexus_writer.data.lima_saving.LimaSaving`.

    ``detector`` and ``instrument`` name the groups in an HDF5 file; the detector is that of the prefix unless
    it is given.
    """

    directory: Path | str
    prefix: str = "cam_"
    suffix: str = ".h5"
    format: str = "HDF5"
    index_format: str = "%04d"
    frames_per_file: int = 1
    frames_per_acquisition: int = 0
    first_number: int = 0
    detector: str = ""
    instrument: str = "ESRF-ID00"
    lima_version: str = "1.9.10"

    @property
    def fields(self) -> dict[str, Any]:
        """In the camera's words."""
        fields: dict[str, Any] = {
            "saving_format": self.format,
            "saving_index_format": self.index_format,
            "saving_frame_per_file": self.frames_per_file,
            "saving_frame_per_acquisition": self.frames_per_acquisition,
            "saving_suffix": self.suffix,
            "saving_mode": "AUTO_FRAME",
            "saving_directory": str(self.directory),
            "saving_prefix": self.prefix,
            "user_detector_name": self.detector or self.prefix.rstrip("_"),
            "user_instrument_name": self.instrument,
            "lima_version": self.lima_version,
            "saving_managed_mode": "SOFTWARE",
        }
        return fields | ({"saving_next_number": self.first_number} if self.first_number else {})


class CameraPublisher:
    """One camera of a running scan; made by the scan's ``camera``."""

    def __init__(
        self, nodes: NodePublisher, key: str, spec: ChannelSpec, pending: list[tuple[Any, ...]]
    ) -> None:
        self.key = key
        self.spec = spec
        self.server_url = f"//localhost:25001/id00/limaccds/{key.rpartition(':')[0].rpartition(':')[2]}"
        self._nodes = nodes
        self._pending = pending
        self._events = 0
        self._status: dict[str, Any] = {}

    @property
    def extra_keys(self) -> tuple[bytes, ...]:
        """Keys that belong to the camera beside those of its node."""
        return keys.data_ref(self.key), keys.to_bytes(self.server_url)

    def prepare(self, saving: SavingSpec | None) -> None:
        """The camera is ready to measure, and saves as it says, or not at all. Goes out at once."""
        spec = self.spec
        said = {} if saving is None else saving.fields
        declared = {"dtype": spec.dtype, "shape": spec.shape, "unit": spec.unit}
        description = {"reference": True, "acq_trigger_mode": "INTERNAL_TRIGGER", **said, **declared}
        client = self._nodes.client
        self._nodes.update_info(self.key, description)
        client.rpush(keys.data_ref(self.key), dumps(description))
        number = client.incr(self.server_url)
        self._status = {"server_url": self.server_url, "lima_acq_nb": number, "buffer_max_number": 100}

    def publish_status(self, ready: int, saved: int | None = None, **more: Any) -> None:
        """So many frames were measured, and so many saved: all of them unless it is said, 0 for a camera that
        never tells. Goes out with the scan's ``flush``."""
        saved = ready if saved is None else saved
        last = {
            "last_image_acquired": ready - 1,
            "last_image_ready": ready - 1,
            "last_counter_ready": ready - 1,
        }
        self._status |= {**last, "last_image_saved": max(-1, saved - 1), "acq_state": "running", **more}
        self._events += 1
        event = (keys.EVENT_FIELD, b"LIMAIMAGESTATUS", keys.STATUS_FIELD, dumps(self._status))
        self._pending.append((keys.data(self.key), self._events, *event))
