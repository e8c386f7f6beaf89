"""How the kinds of detectors name their groups and datasets. Pure: names in, names out.

Each function is one kind. Where a name does not look as its kind has it, the channel is a generic detector.
"""

from __future__ import annotations

from .spot import Naming, Spot

PROFILE = "sum"
"""The dataset of a region of interest that stands for it."""


def generic(naming: Naming) -> Spot:
    """A detector of its own, known by its short name."""
    return Spot(naming.short, "data", True)


def sampling_counter(naming: Naming) -> Spot:
    """``signal``, and what its mode adds: ``samples``, or N, std, var, min, max, p2v."""
    if naming.data_type == "signal":
        return Spot(naming.short, "signal", True)
    group, _, quantity = naming.short.rpartition("_")
    return Spot(group, quantity, False) if group and quantity else generic(naming)


def mythen(naming: Naming) -> Spot:
    """A strip detector: its spectrum, and its regions of interest."""
    device, _, quantity = naming.name.partition(":")
    return Spot(device, quantity, quantity == "spectrum") if quantity else generic(naming)


def autofilter(naming: Naming) -> Spot:
    """All quantities of one filter in one group; none stands for it."""
    match naming.parts:
        case [device, quantity]:
            return Spot(device, quantity, False)
    return generic(naming)


def lima(naming: Naming) -> Spot:
    """A camera: frames, and what its server makes of them: regions of interest, beam positions.

    A region has a group of its own, with the statistics of its counters or its profile.
    """
    match naming.parts:
        case [camera, quantity]:
            return Spot(camera, quantity, quantity in ("image", "sum"))
        case [camera, "roi_counters", name] if _is_statistic(name):
            roi, _, statistic = name.rpartition("_")
            return Spot(f"{camera}:{roi}", statistic, statistic == PROFILE, selection=roi)
        case [camera, "roi_profiles", roi]:
            return Spot(f"{camera}:{roi}", PROFILE, True, selection=roi)
        case [camera, "roi_collection", _, *_]:
            return Spot(f"{camera}:roi_collection", PROFILE, True)
        case [camera, device, *quantity] if quantity:
            return Spot(f"{camera}:{device}", ":".join(quantity), False)
    return generic(naming)


def _is_statistic(name: str) -> bool:
    roi, _, statistic = name.rpartition("_")
    return bool(roi and statistic)
