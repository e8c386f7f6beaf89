"""What a session says of the technique that its scans are made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Fields
from .plot import PlotRequest, read_plots


@dataclass(frozen=True, slots=True)
class Technique:
    """``applications`` are the parameters of application definitions by name, as published;
    ``default_plot`` names the plot to be shown first, "" for the first one."""

    name: str = ""
    applications: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plots: tuple[PlotRequest, ...] = ()
    default_plot: str = ""


def read_technique(writer: Fields) -> Technique:
    """From the ``nexuswriter`` category."""
    technique = writer.fields("technique")
    applications = technique.fields("applications")
    return Technique(
        technique.text("name"),
        {name: applications.mapping(name) for name in applications.values},
        read_plots(technique),
        technique.text("plotselect"),
    )
