"""The cameras of a scan on their way from Redis to its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nexus_writer.data.lima_saving import LimaSaving, UnusableSaving
from nexus_writer.data.lima_status import CameraProgress
from nexus_writer.data.scan_items import CameraPrepared, NodeAdded
from nexus_writer.data.streams import RawEntry
from nexus_writer.layout import ScanFile
from nexus_writer.model import ChannelDescription, PathMaps
from nexus_writer.model.roots import OutsideRoots

from .channels import declared_channel, declared_values

UNDECLARED = np.dtype(object)


class CameraFeeds:
    """Feeds the cameras of one ScanFile. Redis has the status of a camera, and only the last one counts."""

    def __init__(self, paths: PathMaps) -> None:
        self._paths = paths
        self._channels: dict[str, ChannelDescription] = {}
        self._progress: dict[str, CameraProgress] = {}

    def add(self, node: NodeAdded, file: ScanFile) -> None:
        """A camera appeared, or its file was opened anew; where it saves is told later."""
        channel = declared_channel(node) or ChannelDescription(node.key, node.name, UNDECLARED, (), None)
        self._channels[node.key] = channel
        self._progress.setdefault(node.key, CameraProgress())
        file.add_camera(channel)

    def prepare(self, item: CameraPrepared, file: ScanFile) -> None:
        """A camera says where it saves, if it does, and what its frames are like by now."""
        channel = self._channels[item.key]
        dtype, shape = declared_values(item.description)
        channel = replace(channel, dtype=dtype or channel.dtype, shape=shape or channel.shape)
        try:
            saving = LimaSaving.from_description(item.description, self._paths.apply)
            if saving is not None:
                name = f"{saving.prefix}{saving.index_format % saving.first_number}{saving.suffix}"
                self._paths.roots.check(f"{saving.directory}/{name}")
        except (UnusableSaving, OutsideRoots) as error:
            file.lose(item.key, f"{channel.name}: {error}")
            return
        if saving is not None:
            file.cameras.describe(channel, saving)

    def receive(self, key: str, entries: Sequence[RawEntry]) -> bool:
        """Take what came for a camera; False for another kind of channel."""
        progress = self._progress.get(key)
        if progress is None:
            return False
        progress.receive(entries)
        return True

    def refer(self, file: ScanFile, *, ended: bool = False) -> None:
        """Have the frames that can be read in the file, or all that were measured when the scan ``ended``."""
        for key, progress in self._progress.items():
            file.cameras.refer(key, progress.ready if ended else progress.readable)
