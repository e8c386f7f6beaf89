"""What a viewer shows when nobody says what."""

from __future__ import annotations

from itertools import count
from typing import Any

from nexus_writer.hdf5 import has_link, set_attributes, soft_link
from nexus_writer.model import SELECTED


def show_by_default(entry: Any, entry_name: str, plot: str) -> None:
    """Make ``plot`` the default of ``entry``, under the name ``plotselect``, which tools know.

    Where another group has that name, it is ``plotselect0``, ``plotselect1`` ...
    """
    name = SELECTED
    if plot != SELECTED:
        names = (f"{SELECTED}{number}" for number in count())
        while name in entry and not has_link(entry, name):
            name = next(names)
        soft_link(entry, name, f"/{entry_name}/{plot}", replace=True)
    set_attributes(entry, {"default": name})
