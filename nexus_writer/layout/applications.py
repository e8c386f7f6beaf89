"""Applications of an entry: links to a part of it, under the names of a definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nexus_writer.hdf5 import create_group, create_stacked, soft_link, write_text
from nexus_writer.model import Scan, matches

from .application_definitions import ApplicationDefinition, DetectorLinks
from .interpretation import interpretation
from .names import normalise
from .place import Place
from .plot_channel import PlotChannel


@dataclass(frozen=True, slots=True)
class PlacedChannel:
    """A channel that has data, and its place in the entry."""

    place: Place
    channel: PlotChannel


@dataclass(frozen=True, slots=True)
class Application:
    """A definition for one scan: ``name`` of the group, and what the session says of it."""

    name: str
    definition: ApplicationDefinition
    parameters: Mapping[str, Any]

    def items(self, parameter: str) -> list[str]:
        """The names that the session gives as ``parameter``: one, or a list of them."""
        value = self.parameters.get(parameter)
        values = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
        return [item for item in values if isinstance(item, str) and item]


def applications_of(
    scan: Scan, definitions: Sequence[ApplicationDefinition], warn: Callable[[str], None]
) -> list[Application]:
    """Those that the session asks for, and those of its technique. What has no definition is warned of."""
    found = []
    for name, parameters in scan.technique.applications.items():
        kind = parameters.get("class") or name
        definition = next((d for d in definitions if str(kind).lower() in (d.kind.lower(), d.name)), None)
        if definition is None:
            warn(f"application {name} is left out: there is no definition of the class {kind}, declare it")
        else:
            found.append(Application(str(parameters.get("personal_name") or name), definition, parameters))
    asked_for = [application.definition for application in found]
    for definition in definitions:
        if scan.technique.name in definition.techniques and definition not in asked_for:
            found.append(Application(definition.name, definition, {}))
    return found


class ApplicationWriter:
    """Writes applications into ``entry``, whose channels with data are ``channels``.

    ``times`` are the texts of start_time and end_time. ``stack``: datasets of several detectors become one.
    """

    def __init__(
        self, entry: Any, channels: Sequence[PlacedChannel], times: Mapping[str, str], *, stack: bool
    ) -> None:
        self._entry = entry
        self._channels = channels
        self._times = times
        self._stack = stack

    def write(self, application: Application) -> None:
        """An NXsubentry with links to what there is; what the scan does not have is left out.

        Raises EntryExists where something else has the name.
        """
        definition = application.definition
        group = create_group(self._entry, normalise(application.name) or "application", "NXsubentry")
        write_text(group, "definition", definition.definition)
        for name, text in self._times.items():
            write_text(group, name, text)
        for name, link in definition.links.items():
            items = application.items(link.parameter) if link.parameter else [link.channel]
            found = next(self._named(items), None)
            if found is not None:
                soft_link(group, name, found.channel.path)
        if definition.detectors is not None:
            self._write_detectors(
                group, definition.detectors, application.items(definition.detectors.parameter)
            )

    def _named(self, items: Sequence[str]) -> Iterator[PlacedChannel]:
        """Detectors come before positioners."""
        ordered = sorted(self._channels, key=lambda placed: placed.place.is_positioner)
        for item in items:
            yield from (placed for placed in ordered if matches(item, placed.place.channel))

    def _write_detectors(self, group: Any, links: DetectorLinks, items: Sequence[str]) -> None:
        detectors = self._detectors(links, items)
        several = len(detectors) > 1
        for name, link in links.links.items():
            datasets = [detector.get(link.dataset) for detector in detectors]
            if several and self._stack:
                self._write_stacked(group, name, [dataset for dataset in datasets if dataset is not None])
                continue
            for number, dataset in enumerate(datasets):
                if dataset is not None:
                    soft_link(group, link.numbered.format(number) if several else name, dataset.path)

    def _detectors(self, links: DetectorLinks, items: Sequence[str]) -> list[dict[str, PlotChannel]]:
        """The datasets of each detector by name: in the order of ``items``, without any in that of names."""
        principal = next(iter(links.links.values())).dataset
        groups: dict[str, dict[str, PlotChannel]] = {}
        found: dict[str, str] = {}
        for placed in self._channels:
            if placed.place.device_type == links.type:
                groups.setdefault(placed.place.group, {})[placed.place.dataset] = placed.channel
                if placed.place.dataset == principal:
                    found[placed.place.channel] = placed.place.group
        names = [name for item in items for name in found if matches(item, name)] if items else sorted(found)
        return [groups[found[name]] for name in dict.fromkeys(names)]

    def _write_stacked(self, group: Any, name: str, channels: Sequence[PlotChannel]) -> None:
        if not channels:
            return
        shapes = [(*channel.grid, *channel.point_shape) for channel in channels]
        alike = len(set(shapes)) == 1
        kinds = [channel.dtype if alike else channel.dtype_with_nan for channel in channels]
        first = channels[0]
        shown_as = interpretation(first.rank, 0)
        create_stacked(
            group,
            name,
            [(channel.path, shape) for channel, shape in zip(channels, shapes, strict=True)],
            dtype=np.result_type(*kinds),
            attributes={"interpretation": shown_as, "units": first.unit},
        )
