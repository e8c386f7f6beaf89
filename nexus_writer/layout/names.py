"""Names in a file, from the names that channels have on the beamline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Set

_ILLEGAL = re.compile(r"[^A-Za-z0-9_]+")


def normalise(name: str) -> str:
    """``name`` with every run of characters outside A-Z, a-z, 0-9 and _ turned into one underscore; and one
    in front of a digit: some validators want a letter first."""
    legal = _ILLEGAL.sub("_", name)
    return f"_{legal}" if legal[:1].isdigit() else legal


def short_names(names: Iterable[str]) -> dict[str, str]:
    """The shortest unique suffix of each name, cut at colons.

    Round n = 1, 2, ... looks at the last n parts of all names that are still open (a shorter name is taken
    whole). A suffix that occurs once among these and the short names given before settles its name. So
    names that tie stay open together, and all of them get the longer form.
    """
    open_names = {name: name.split(":") for name in names}
    longest = max(map(len, open_names.values()), default=0)
    settled: dict[str, str] = {}
    for length in range(1, longest + 1):
        suffixes = {name: ":".join(parts[-length:]) for name, parts in open_names.items()}
        count = Counter(suffixes.values())
        count.update(settled.values())
        for name, suffix in suffixes.items():
            if count[suffix] == 1:
                settled[name] = suffix
                del open_names[name]
    return {**settled, **{name: name for name in open_names}}


class UniqueNames:
    """Legal names, one for each raw name: those that become equal get ``_2``, ``_3`` ... as they arrive.

    ``reserved`` names are never given away. A raw name may come with more that tells it apart: ``give``
    takes any key, and gives the same key the same name again.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)
        self._names: dict[Hashable, str] = {}

    def give(self, raw: str, key: Hashable = None) -> str:
        """The name of ``raw``; ``key`` stands for it where several things share a raw name."""
        key = raw if key is None else key
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self._free(normalise(raw) or "_")
            self._taken.add(name)
        return name

    def take(self, name: str) -> bool:
        """Keep a legal name for something else; False when it is given away already."""
        if name in self._taken:
            return False
        self._taken.add(name)
        return True

    def given(self) -> Set[str]:
        """All names that are not free."""
        return self._taken

    def _free(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        return candidate
