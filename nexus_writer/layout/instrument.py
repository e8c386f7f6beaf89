"""The NXinstrument of an entry: devices, and where the motors stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nexus_writer.hdf5 import (
    EntryExists,
    NotStorable,
    Originals,
    create_group,
    require_group,
    set_attributes,
    soft_link,
    write_text,
    write_value,
)
from nexus_writer.model import PositionerSnapshots, Scan

from .dump import Dump
from .metadata import device_tree, instrument_tree, split_groups
from .place import Place
from .places import Places
from .snapshots import COLLECTIONS_AT_END, COLLECTIONS_AT_START, named_positions, positions

INSTRUMENT = "NXinstrument"
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Instrument:
    """``group`` has an NXdetector or NXpositioner for each group that the channels' places name."""

    def __init__(
        self, entry: Any, scan: Scan, places: Places, dump: Dump, warn: Callable[[str], None]
    ) -> None:
        self.group = create_group(entry, "instrument", INSTRUMENT)
        self._places = places
        self._dump = dump
        self._warn = warn
        self._groups: dict[str, Any] = {}
        self._classes: dict[str, str] = {}
        self._originals = Originals(self.group)
        self._devices: dict[str, dict[tuple[str, str], None]] = {}
        dump.write(self.group, scan.instrument_info, "instrument", INSTRUMENT)
        self._write_positions(COLLECTIONS_AT_START, scan.positioners)

    def add_channel(self, place: Place, device: str, device_info: Mapping[str, Any]) -> Any:
        """The group of a channel, with what is known of its device before anything is measured.

        ``device`` is the id of the device that publishes the channel, "" for none.
        """
        group = self._groups.get(place.group)
        if group is None:
            texts = self._texts(place, device_info)
            group = self._groups[place.group] = self._open_group(place, texts)
            self._classes[place.group] = place.nx_class
            self._dump.know(texts, f"device_info of {place.group}")
        if device:
            self._devices.setdefault(place.group, {})[device, place.selection] = None
        self._write_group(place.group, device_info, "device_info")
        return group

    def add_positioner_link(self, place: Place, target: str) -> None:
        """The measured positions of a scanned axis, instead of the one it had when the scan started."""
        soft_link(require_group(self.group, "positioners"), place.link, target, replace=True)

    def write_metadata(self, scan: Scan) -> None:
        """What the devices say of themselves, and the users of the instrument."""
        devices = {device.id: device for subscan in scan.subscans for device in subscan.devices}
        for name, sources in self._devices.items():
            for device_id, selection in sources:
                device = devices.get(device_id)
                if device is not None:
                    self._write_group(name, device_tree(device, selection), f"metadata of {device.name}")
        rest, merged = split_groups(instrument_tree(scan), self._groups)
        for name, tree in merged.items():
            self._write_group(name, tree, "instrument category")
        self._dump.write(self.group, rest, "instrument category", INSTRUMENT)

    def write_end(self, snapshots: PositionerSnapshots) -> None:
        """Where the motors stand when the scan has ended."""
        self._write_positions(COLLECTIONS_AT_END, snapshots)

    def _texts(self, place: Place, device_info: Mapping[str, Any]) -> Mapping[str, str]:
        """``device_info`` where it is nothing but texts, which can be copied; else nothing."""
        members = self._places.members(place.group)
        plain = all(
            isinstance(value, str) and _PLAIN.fullmatch(name) and name not in members
            for name, value in device_info.items()
        )
        return device_info if plain else {}

    def _open_group(self, place: Place, texts: Mapping[str, str]) -> Any:
        """Metadata may have made it before its channel came; the class is the channel's all the same."""
        try:
            return self._originals.create_group(place.group, place.nx_class, texts)
        except EntryExists:
            group = require_group(self.group, place.group)
            set_attributes(group, {"NX_class": place.nx_class})
            for name, text in texts.items():
                write_text(group, name, text)
            return group

    def _write_group(self, name: str, tree: Mapping[str, Any], source: str) -> None:
        members = self._places.members(name)
        self._dump.write(self._groups[name], tree, f"{source} of {name}", self._classes[name], members)

    def _write_positions(self, collections: Mapping[str, str], snapshots: PositionerSnapshots) -> None:
        for name, moment in collections.items():
            snapshot = getattr(snapshots, moment)
            if not snapshot:
                continue
            group = require_group(self.group, name)
            for motor, position in named_positions(positions(snapshot, snapshots.units)).items():
                try:
                    write_value(group, motor, position.value, position.attributes)
                except NotStorable as error:
                    self._warn(f"position not saved: {error}")
