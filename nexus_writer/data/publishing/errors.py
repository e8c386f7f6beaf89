"""What may be wrong with what a program publishes."""

from __future__ import annotations

from collections.abc import Sequence

from nexus_writer.data.errors import DataError


class WrongShape(DataError):
    """Values are neither one point of a channel nor a block of points."""

    def __init__(self, channel: str, shape: tuple[int, ...], got: tuple[int, ...]) -> None:
        super().__init__(f"{channel} takes points of shape {shape}, or a block of them, not values of {got}")


class NoSuchChannel(DataError, KeyError):
    """A scan has no channel of that name, or none yet."""

    def __init__(self, scan: str, fullname: str, known: Sequence[str]) -> None:
        remedy = f"it has {', '.join(known)}" if known else "call prepare() first, which makes its channels"
        super().__init__(f"{scan} has no channel {fullname}: {remedy}")

    def __str__(self) -> str:
        return str(self.args[0])


class ScanHasEnded(DataError):
    """Points came after the end of their scan."""

    def __init__(self, scan: str) -> None:
        super().__init__(f"{scan} has ended, and takes no more points: publish them before its end")
