"""What the layout leaves to choose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """``keepshape`` saves a mesh with its grid's shape instead of flat; ``multivalue_positioners`` puts the
    channels of a master with several of them in one NXpositioner; ``noconfig`` ignores what the session
    tells the writer of its configuration."""

    keepshape: bool = False
    multivalue_positioners: bool = False
    noconfig: bool = False
