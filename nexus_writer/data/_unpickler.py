"""An interpreter of pickle opcodes that cannot run code.

The standard unpickler is made safe against *names* by overriding ``find_class``, but not against
memo indices that allocate gigabytes, tuples nested so deep that hashing them overflows the C stack,
or the calls that numpy's own names allow. Reading opcodes ourselves costs some 0.4 us each, which
only descriptions and scan infos pay: points have their own way (``points.py``).

Invariants: nothing is called but the builders of ``_globals``; a placeholder that waits for its state
(``Pending...``) never leaves the top of the stack; all that is allocated is bounded by the input's
length and by the limits below.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any

import numpy as np

from nexus_writer.model.limits import DEEPEST_NESTING, MOST_OPERATIONS

from . import _globals
from ._numpy_values import PendingArray, PendingDtype
from ._opcodes import HANDLERS, STOP

_LEAVES = frozenset({str, int, float, bool, type(None), bytes})


class Machine:
    """Stack, marks and memo while one pickle is read."""

    __slots__ = ("containers", "data", "marks", "memo", "pending", "pos", "shared", "stack")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.pending = 0
        self.shared = False
        self.containers = 0

    def run(self) -> Any:
        """The value; raises whatever the first wrong byte leads to."""
        data = self.data
        for _ in repeat(None, MOST_OPERATIONS):
            opcode = data[self.pos]
            self.pos += 1
            if opcode == STOP:
                return self._result()
            HANDLERS[opcode](self)
        raise ValueError(f"more than {MOST_OPERATIONS} operations")

    def _result(self) -> Any:
        if self.pos != len(self.data):
            raise ValueError("bytes after its end")
        if len(self.stack) != 1 or self.marks:
            raise ValueError("it ends in the middle of a value")
        if self.pending:
            raise ValueError("an array or dtype without its state")
        result = self.stack[0]
        if self.shared or self.containers > DEEPEST_NESTING:
            _check_nesting(result)
        return result

    def take(self, length: int) -> bytes:
        start = self.pos
        end = start + length
        if end > len(self.data):
            raise EOFError
        self.pos = end
        return self.data[start:end]

    def line(self) -> bytes:
        start = self.pos
        end = self.data.index(b"\n", start)
        self.pos = end + 1
        return self.data[start:end]

    def pop_mark(self) -> list[Any]:
        stack = self.stack
        mark = self.marks.pop()
        items = stack[mark:]
        del stack[mark:]
        return items

    def finish(self, target: object, args: object) -> None:
        """Push what calling ``target`` stands for."""
        if type(args) is not tuple:
            raise ValueError("arguments that are not a tuple")
        value = _globals.build(target, args)
        if type(value) is PendingArray or type(value) is PendingDtype:
            self.pending += 1
        self.stack.append(value)


def _items(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return chain(value.keys(), value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return value.ravel().tolist()
    return ()


def _check_nesting(result: object) -> None:
    """Refuses what no walk would come to the end of: cycles, depth, parts repeated without bound."""
    level: list[Any] = [result]
    seen = 0
    for _ in range(DEEPEST_NESTING):
        below: list[Any] = []
        for value in level:
            if type(value) in _LEAVES:
                continue
            below.extend(_items(value))
            if seen + len(below) > MOST_OPERATIONS:
                raise ValueError("it repeats its own parts too often")
        if not below:
            return
        seen += len(below)
        level = below
    raise ValueError(f"nested deeper than {DEEPEST_NESTING} levels, or without end")
