"""The commands of a process class: its methods ``c__<command>``, and what they may be called with."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

__all__ = ["PREFIX", "Command", "commands_of"]

PREFIX = "c__"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments by name; ``allowed`` is None where any may be given."""

    name: str
    required: frozenset[str]
    allowed: frozenset[str] | None

    def check(self, kwargs: dict[str, Any]) -> None:
        """Raises TypeError as a call of the method would."""
        names = kwargs.keys()
        if self.required <= names and (self.allowed is None or names <= self.allowed):
            return
        missing = sorted(self.required - names)
        if missing:
            raise TypeError(f"the command {self.name} needs the argument {missing[0]!r}")
        unexpected = sorted(names - (self.allowed or names))
        raise TypeError(f"the command {self.name} has no argument {unexpected[0]!r}: {self._known()}")

    def _known(self) -> str:
        return f"it has {', '.join(sorted(self.allowed))}" if self.allowed else "it has none"


def commands_of(cls: type) -> dict[str, Command]:
    """All of a class, those that it inherits among them."""
    names = [name for name in dir(cls) if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): _command(cls, name) for name in names}


def _command(cls: type, name: str) -> Command:
    static = inspect.getattr_static(cls, name)
    parameters = list(inspect.signature(getattr(cls, name)).parameters.values())
    if not isinstance(static, (staticmethod, classmethod)):
        parameters = parameters[1:]
    named = [one for one in parameters if one.kind in _NAMED]
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    return Command(
        name.removeprefix(PREFIX),
        frozenset(one.name for one in named if one.default is inspect.Parameter.empty),
        None if takes_any else frozenset(one.name for one in named),
    )
