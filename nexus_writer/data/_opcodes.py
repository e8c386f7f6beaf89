"""What each opcode of a pickle does to the stack, marks and memo of a ``Machine``.

Protocols 0 to 5, without those opcodes that only Python 2 wrote (its byte strings) and those that need
something beside the pickle (persistent ids, extensions, buffers): these are unknown here.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nexus_writer.model.limits import LONGEST_NUMBER

from . import _globals
from ._keys import check_key
from ._numpy_values import PendingArray, PendingDtype, Unsupported
from .opaque import Opaque, opaque

if TYPE_CHECKING:
    from ._unpickler import Machine

    Handler = Callable[[Machine], None]

_CONTAINERS = (dict, list, tuple, set, frozenset, np.ndarray)

_float64 = struct.Struct(">d").unpack


def _global(machine: Machine) -> None:
    module, name = machine.line().decode("utf-8"), machine.line().decode("utf-8")
    machine.stack.append(_globals.find(module, name))


def _stack_global(machine: Machine) -> None:
    name = machine.stack.pop()
    module = machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise ValueError("a name that is not text")
    machine.stack.append(_globals.find(module, name))


def _reduce(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.finish(machine.stack.pop(), args)


def _new_object_with_keywords(machine: Machine) -> None:
    keywords = machine.stack.pop()
    args = machine.stack.pop()
    target = machine.stack.pop()
    if keywords:
        target = target if isinstance(target, Opaque) else opaque(target.__module__, target.__name__)
    machine.finish(target, args)


def _instance(machine: Machine) -> None:
    _global(machine)
    target = machine.stack.pop()
    machine.finish(target, tuple(machine.pop_mark()))


def _object(machine: Machine) -> None:
    target, *args = machine.pop_mark()
    machine.finish(target, tuple(args))


def _build(machine: Machine) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if type(target) is PendingArray or type(target) is PendingDtype:
        try:
            target.value = target.build(state)
        except Unsupported:
            name = "ndarray" if type(target) is PendingArray else "dtype"
            target.value = opaque("numpy", name)
        machine.pending -= 1
        machine.stack[-1] = target.value
    elif not isinstance(target, Opaque):
        raise ValueError(f"it sets the state of a {type(target).__name__}")


def _set_items(target: object, items: list[Any]) -> None:
    if isinstance(target, Opaque):
        return
    if type(target) is not dict and type(target) is not OrderedDict:
        raise ValueError(f"it sets items of a {type(target).__name__}")
    if len(items) % 2:
        raise ValueError("a key without a value")
    pairs = iter(items)
    for key in pairs:
        check_key(key)
        target[key] = next(pairs)


def _set_item(machine: Machine) -> None:
    value = machine.stack.pop()
    key = machine.stack.pop()
    _set_items(machine.stack[-1], [key, value])


def _append(machine: Machine) -> None:
    value = machine.stack.pop()
    _extend(machine.stack[-1], [value])


def _extend(target: object, items: list[Any]) -> None:
    if type(target) is list:
        target.extend(items)
    elif not isinstance(target, Opaque):
        raise ValueError(f"it appends to a {type(target).__name__}")


def _hashed(items: list[Any]) -> list[Any]:
    for item in items:
        check_key(item)
    return items


def _appends(machine: Machine) -> None:
    items = machine.pop_mark()
    _extend(machine.stack[-1], items)


def _sets(machine: Machine) -> None:
    items = machine.pop_mark()
    _set_items(machine.stack[-1], items)


def _add_items(machine: Machine) -> None:
    items = _hashed(machine.pop_mark())
    target = machine.stack[-1]
    if type(target) is set:
        target.update(items)
    elif not isinstance(target, Opaque):
        raise ValueError(f"it adds to a {type(target).__name__}")


def _push_container(machine: Machine, value: object) -> None:
    machine.containers += 1
    machine.stack.append(value)


def _dict(machine: Machine) -> None:
    value: dict[Any, Any] = {}
    _set_items(value, machine.pop_mark())
    _push_container(machine, value)


def _tuple_of(length: int) -> Handler:
    def handler(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < length:
            raise IndexError
        machine.containers += 1
        stack[-length:] = [tuple(stack[-length:])]

    return handler


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _put(machine: Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _get(machine: Machine, index: int) -> None:
    _again(machine, machine.memo[index])


def _again(machine: Machine, value: Any) -> None:
    """Push a value a second time."""
    if type(value) is not str:
        if type(value) is PendingArray or type(value) is PendingDtype:
            value = value.value
            if value is None:
                raise ValueError("an array or dtype inside its own state")
        if isinstance(value, _CONTAINERS):
            machine.shared = True
    machine.stack.append(value)


def _byte(machine: Machine) -> int:
    value = machine.data[machine.pos]
    machine.pos += 1
    return value


def _uint(machine: Machine, size: int) -> int:
    return int.from_bytes(machine.take(size), "little")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _binary_number(machine: Machine, length: int) -> None:
    if length > LONGEST_NUMBER:
        raise ValueError(f"a number of {length} bytes")
    machine.stack.append(int.from_bytes(machine.take(length), "little", signed=True))


def _short_text(machine: Machine) -> None:
    pos = machine.pos
    start = pos + 1
    end = start + machine.data[pos]
    if end > len(machine.data):
        raise EOFError
    machine.pos = end
    machine.stack.append(machine.data[start:end].decode("utf-8", "surrogatepass"))


def _number_line(machine: Machine) -> bytes:
    line = machine.line()
    if len(line) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(line)} digits")
    return line


def _int_line(machine: Machine) -> None:
    line = _number_line(machine)
    machine.stack.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line))


def _frame(machine: Machine) -> None:
    length = _uint(machine, 8)
    if length > len(machine.data) - machine.pos:
        raise EOFError


def _proto(machine: Machine) -> None:
    protocol = _byte(machine)
    if protocol > pickle.HIGHEST_PROTOCOL:
        raise ValueError(f"protocol {protocol}")


def _unknown(machine: Machine) -> None:
    raise ValueError(f"opcode {machine.data[machine.pos - 1]:#04x}")


def _pop(machine: Machine) -> None:
    """Drops a value, or a mark when nothing lies above it."""
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _push(read: Callable[[Machine], Any]) -> Handler:
    def handler(machine: Machine) -> None:
        machine.stack.append(read(machine))

    return handler


STOP = pickle.STOP[0]

_TABLE: dict[bytes, Handler] = {
    pickle.PROTO: _proto,
    pickle.FRAME: _frame,
    pickle.MARK: lambda m: m.marks.append(len(m.stack)),
    pickle.POP: _pop,
    pickle.POP_MARK: lambda m: m.pop_mark().clear(),
    pickle.DUP: lambda m: _again(m, m.stack[-1]),
    # plain values
    pickle.NONE: lambda m: m.stack.append(None),
    pickle.NEWTRUE: lambda m: m.stack.append(True),
    pickle.NEWFALSE: lambda m: m.stack.append(False),
    pickle.BININT: _push(lambda m: int.from_bytes(m.take(4), "little", signed=True)),
    pickle.BININT1: _push(_byte),
    pickle.BININT2: _push(lambda m: _uint(m, 2)),
    pickle.LONG1: lambda m: _binary_number(m, _byte(m)),
    pickle.LONG4: lambda m: _binary_number(m, _uint(m, 4)),
    pickle.INT: _int_line,
    pickle.LONG: _push(lambda m: int(_number_line(m).removesuffix(b"L"))),
    pickle.FLOAT: _push(lambda m: float(_number_line(m))),
    pickle.BINFLOAT: _push(lambda m: _float64(m.take(8))[0]),
    pickle.SHORT_BINUNICODE: _short_text,
    pickle.BINUNICODE: _push(lambda m: _text(m.take(_uint(m, 4)))),
    pickle.BINUNICODE8: _push(lambda m: _text(m.take(_uint(m, 8)))),
    pickle.UNICODE: _push(lambda m: m.line().decode("raw-unicode-escape")),
    pickle.SHORT_BINBYTES: _push(lambda m: m.take(_byte(m))),
    pickle.BINBYTES: _push(lambda m: m.take(_uint(m, 4))),
    pickle.BINBYTES8: _push(lambda m: m.take(_uint(m, 8))),
    pickle.BYTEARRAY8: _push(lambda m: bytearray(m.take(_uint(m, 8)))),
    # containers
    pickle.EMPTY_LIST: lambda m: _push_container(m, []),
    pickle.EMPTY_DICT: lambda m: _push_container(m, {}),
    pickle.EMPTY_SET: lambda m: _push_container(m, set()),
    pickle.EMPTY_TUPLE: lambda m: m.stack.append(()),
    pickle.TUPLE1: _tuple_of(1),
    pickle.TUPLE2: _tuple_of(2),
    pickle.TUPLE3: _tuple_of(3),
    pickle.TUPLE: lambda m: _push_container(m, tuple(m.pop_mark())),
    pickle.LIST: lambda m: _push_container(m, m.pop_mark()),
    pickle.DICT: _dict,
    pickle.FROZENSET: lambda m: _push_container(m, frozenset(_hashed(m.pop_mark()))),
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: _sets,
    pickle.ADDITEMS: _add_items,
    # memo
    pickle.MEMOIZE: _memoize,
    pickle.BINPUT: lambda m: _put(m, _byte(m)),
    pickle.LONG_BINPUT: lambda m: _put(m, _uint(m, 4)),
    pickle.PUT: lambda m: _put(m, int(_number_line(m))),
    pickle.BINGET: lambda m: _get(m, _byte(m)),
    pickle.LONG_BINGET: lambda m: _get(m, _uint(m, 4)),
    pickle.GET: lambda m: _get(m, int(_number_line(m))),
    # names and what is made with them
    pickle.GLOBAL: _global,
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _reduce,
    pickle.NEWOBJ: _reduce,
    pickle.NEWOBJ_EX: _new_object_with_keywords,
    pickle.INST: _instance,
    pickle.OBJ: _object,
    pickle.BUILD: _build,
}
HANDLERS = [_TABLE.get(bytes([code]), _unknown) for code in range(256)]
