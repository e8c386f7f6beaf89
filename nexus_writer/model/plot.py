"""What users want to see of a scan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .fields import Fields

SELECTED = "plotselect"
"""The plot of what the user selected, and the name under which the default plot is found."""

_SEPARATORS = re.compile(r"[.:]")


@dataclass(frozen=True, slots=True)
class PlotRequest:
    """One plot: of the channels that ``items`` name, or without items of all detectors whose points have
    ``rank`` dimensions. ``grid``: a mesh is shown as a grid, else point by point."""

    name: str
    items: tuple[str, ...] = ()
    rank: int = 0
    grid: bool = False

    def select(self, channels: Iterable[tuple[str, int]]) -> list[str]:
        """The names of the wanted channels, of (name, rank) of all detectors: in the order of the items,
        those of one item in the given order."""
        channels = list(channels)
        if not self.items:
            return [name for name, rank in channels if rank == self.rank]
        found = [name for item in self.items for name, _ in channels if matches(item, name)]
        return list(dict.fromkeys(found))


def matches(item: str, channel: str) -> bool:
    """Whether a channel is meant. Both are cut at colons and dots and compared from their ends, as far as
    both go: each part of the channel ends with that of the item ("mca:det0" means "mca:spectrum_det0")."""
    if not item:
        return False
    pairs = zip(reversed(_SEPARATORS.split(channel)), reversed(_SEPARATORS.split(item)), strict=False)
    return all(part.endswith(wanted) for part, wanted in pairs)


def read_selection(info: Fields) -> tuple[str, ...]:
    """What the user selected for display, else what was selected for plots."""
    display = info.fields("display_extra" if "display_extra" in info.values else "_display_extra")
    name = "displayed_channels" if display.values.get("displayed_channels") is not None else SELECTED
    return tuple(item for item in display.texts(name) if item)


def read_plots(technique: Fields) -> tuple[PlotRequest, ...]:
    """Those that the session defines for its technique; one that says neither items nor rank is told."""
    plots = technique.fields("plots")
    requests = []
    for key in plots.values:
        fields = plots.fields(key)
        name = fields.text("personal_name") or key
        items = fields.texts("items")
        rank = fields.integer("ndim", -1)
        if items or rank >= 0:
            requests.append(PlotRequest(name, items, max(rank, 0), fields.flag("grid")))
        else:
            plots.problems.append(f"{plots.where}{key} has neither items nor ndim")
    return tuple(requests)


def plots_by_rank(ranks: Iterable[int]) -> Sequence[PlotRequest]:
    """``plot0D``, ``plot1D`` ...: all detectors with points of the same rank."""
    return [PlotRequest(f"plot{rank}D", rank=rank) for rank in sorted(set(ranks))]
