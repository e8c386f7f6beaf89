"""Values that were published, and that we know by name only."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import NoReturn

_logger = logging.getLogger(__name__)

_MOST_NAMES_LOGGED = 1000
_logged: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class Opaque:
    """A class, function or object that we do not decode: known by name only."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"<{self.module}.{self.name}, not decoded>"

    def __copy__(self) -> Opaque:
        return self

    def __deepcopy__(self, memo: object) -> Opaque:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self} cannot be published: its content was never decoded")


def opaque(module: str, name: str) -> Opaque:
    """The placeholder for a name; the first time that a name is met it is logged."""
    key = (module, name)
    if key not in _logged and len(_logged) < _MOST_NAMES_LOGGED:
        _logged.add(key)
        _logger.warning("pickles from Redis name %.200r.%.200r: it is kept as an opaque value", module, name)
    return Opaque(module, name)
