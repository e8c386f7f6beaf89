"""What can go wrong between a frontend and its backend."""

from __future__ import annotations

import signal

__all__ = [
    "AlreadyStarted",
    "BackendDied",
    "NotEnoughEvents",
    "NotStarted",
    "ProcessError",
    "RemoteError",
    "RemoteTraceback",
    "SendTimeout",
    "UnknownCommand",
]


class ProcessError(RuntimeError):
    """Base of the errors of this package."""


class BackendDied(ProcessError, EOFError):
    """The backend is gone, and with it whatever it was asked for and did not answer.

    ``exitcode`` as in multiprocessing: negative for a signal, None where it is not known.
    """

    def __init__(self, name: str, exitcode: int | None) -> None:
        self.name = name
        self.exitcode = exitcode
        self.ending = _ending(exitcode)
        """As in "was ended by SIGKILL"."""
        super().__init__(f"the process {name} {self.ending}: make a new one")

    @property
    def signal(self) -> int | None:
        """Number of the signal that ended it."""
        return -self.exitcode if self.exitcode is not None and self.exitcode < 0 else None

    def __reduce__(self) -> tuple[object, ...]:
        return BackendDied, (self.name, self.exitcode)


class NotStarted(ProcessError):
    """Something needs a backend that is not there yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the process {name} is not started: call start() first")


class AlreadyStarted(ProcessError):
    """A process runs once."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the process {name} was started before: make a new one")


class UnknownCommand(ProcessError):
    """The class of the process has no method for a command."""

    def __init__(self, class_name: str, command: str, known: list[str]) -> None:
        super().__init__(f"{class_name} has no method c__{command}: its commands are {', '.join(known)}")


class SendTimeout(ProcessError, TimeoutError):
    """The other side took nothing for a while. If the message was begun its rest goes out before the next."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(
            f"the other side took no message for {timeout_s:g} s: "
            "read what it sends (getPipe().recv()), or send less at a time"
        )


class RemoteError(ProcessError):
    """Stands for an exception of the other process that can not be sent: its type's name and its text."""

    def __init__(self, type_name: str, text: str) -> None:
        self.type_name = type_name
        self.text = text
        super().__init__(type_name, text)

    def __str__(self) -> str:
        return f"{self.type_name}: {self.text}"


class RemoteTraceback(Exception):
    """The traceback of the other process, as the cause of an exception that came from there."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class NotEnoughEvents(ProcessError):
    """All events of a group are reserved."""

    def __init__(self, size: int) -> None:
        super().__init__(f"all {size} events are reserved: release some, or make a larger EventGroup")


def _ending(exitcode: int | None) -> str:
    if exitcode is None:
        return "is gone"
    if exitcode < 0:
        return f"was ended by {signal.Signals(-exitcode).name}"
    return f"has ended with exit code {exitcode}"
