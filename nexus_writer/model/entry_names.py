"""Names of entries, from a template that a site may choose."""

from __future__ import annotations

import re
from itertools import product
from string import Formatter

from .scan import Scan
from .subscan import Subscan

DEFAULT_ENTRY_NAME = "{scan_nb}.{subscan}"
"""As BLISS names them. The standard allows it; some validators want a letter first, and no dot."""

_FIELDS = ("scan_nb", "subscan")
_TRIED = range(1, 31)
_ALLOWED = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.]*[A-Za-z0-9_])?")


class BadEntryName(ValueError):
    """A template that cannot name the entries of a file."""

    def __init__(self, template: str, why: str) -> None:
        super().__init__(
            f"entry name {template!r} {why}: make it of {{scan_nb}} and {{subscan}}, both of them, like "
            f"{DEFAULT_ENTRY_NAME!r} or 'scan_{{scan_nb:04d}}_{{subscan}}'"
        )


def check_entry_name(template: str) -> None:
    """Raises BadEntryName unless every subscan of every scan gets a name of its own that NeXus allows."""
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        unknown = [field for field in fields if field not in _FIELDS]
        if unknown:
            raise BadEntryName(template, f"has a field {{{unknown[0]}}}")
        names = {_formatted(template, scan_nb, subscan) for scan_nb, subscan in product(_TRIED, repeat=2)}
    except BadEntryName:
        raise
    except (ValueError, TypeError, LookupError) as error:
        raise BadEntryName(template, f"is no template ({error})") from None
    if len(names) < len(_TRIED) ** 2:
        raise BadEntryName(template, "gives two entries one name")
    wrong = next((name for name in sorted(names) if not _ALLOWED.fullmatch(name)), None)
    if wrong is not None:
        raise BadEntryName(template, f"gives {wrong!r}, which is no NeXus name")


def entry_name(scan: Scan, subscan: Subscan, template: str = DEFAULT_ENTRY_NAME) -> str:
    """``N.i`` unless the site chose otherwise: the numbers of the scan, and of the subscan in its chain."""
    return _formatted(template, scan.number, subscan.index)


def entry_names(scan: Scan, template: str = DEFAULT_ENTRY_NAME) -> list[str]:
    """Of all subscans, in their order."""
    return [entry_name(scan, subscan, template) for subscan in scan.subscans]


def _formatted(template: str, scan_nb: int, subscan: int) -> str:
    return template.format(scan_nb=scan_nb, subscan=subscan)
