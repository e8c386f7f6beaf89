"""What frontend and backend say to each other."""

from __future__ import annotations

from typing import Any

__all__ = ["MessageObject"]


class MessageObject:
    """A command and its arguments: ``message()`` is the command, ``message[name]`` an argument.

    Equal when command and arguments are. An argument may have any name.
    """

    __slots__ = ("command", "kwargs")

    command: str
    kwargs: dict[str, Any]

    def __init__(self, command: str, /, **kwargs: Any) -> None:
        self.command = command
        self.kwargs = kwargs

    def __call__(self) -> str:
        return self.command

    def __getitem__(self, name: str) -> Any:
        return self.kwargs[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MessageObject):
            return NotImplemented
        return self.command == other.command and self.kwargs == other.kwargs

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"<MessageObject: {self.command}: {self.kwargs}>"

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return message_of, (self.command, self.kwargs)


def message_of(command: str, kwargs: dict[str, Any]) -> MessageObject:
    """A message of arguments that are a dictionary already."""
    message = MessageObject.__new__(MessageObject)
    message.command = command
    message.kwargs = kwargs
    return message
