"""How long finished scans are known.

Who is called at night asks for the scans that failed, hours later, when hundreds of good ones have followed:
those that failed are known longer, and good ones do not drive them out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """Scans are known for ``saved_s`` or ``failed_s`` seconds after their end, and ``most`` at the same time:
    half of these may be failed ones that others would drive out."""

    saved_s: float
    failed_s: float
    most: float
