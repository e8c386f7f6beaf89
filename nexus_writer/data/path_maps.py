"""Where this host sees the directories of a beamline, for those who read files."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nexus_writer.model import PathMaps

PATH_MAP_VARIABLE = "NEXUS_WRITER_PATH_MAP"
"""``FROM=TO`` by commas, as the writer's option of this name has them."""


def path_maps(given: Mapping[str, str] | None = None) -> PathMaps:
    """From ``{FROM: TO}``, or, when nothing is given, from the environment. Raises BadPathMap."""
    if given is not None:
        return PathMaps.of(given)
    told = os.environ.get(PATH_MAP_VARIABLE, "")
    return PathMaps.parse(part.strip() for part in told.split(","))
