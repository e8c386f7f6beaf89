"""Pickles from Redis: all that beamlines publish is read, nothing of it can run or break anything."""

from __future__ import annotations

import collections
import contextlib
import copy
import datetime
import io
import logging
import os
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.data import _unpickler, opaque, pickles
from nexus_writer.data.errors import UndecodablePickle
from nexus_writer.data.pickles import Opaque, dumps, loads
from nexus_writer.data.recording import Recording
from tests.fixtures_redis import CAPTURES

RECORDINGS = sorted(path.name for path in CAPTURES.iterdir() if path.is_dir())
PROTOCOLS = range(6)
UTC2 = datetime.timezone(datetime.timedelta(hours=2))
VALUES = [
    None, True, False, 0, 1, 255, 256, 65536, -1, 2**31, -(2**63), 2**64, 10**30, 0.0, -1.5, float("inf"), 1j,
    "", "robx", "µm", "\udc80", "x" * 300, b"", b"\x00\xff", b"y" * 300, bytearray(b"abc"),
    [], [1, [2, [3]]], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {"a": {"b": 1}}, {1: 2, (1, "x"): None},
    set(), {1, 2}, frozenset({1, (2, 3)}), list(range(2000)), {str(i): i for i in range(2000)},
    collections.OrderedDict(b=1, a=2), datetime.datetime(2026, 11, 20, 6, 32, 36, 644794),
    datetime.datetime(2026, 10, 25, 2, 30, fold=1), datetime.datetime(2026, 1, 1, tzinfo=UTC2),
    datetime.date(2026, 1, 2),
    datetime.time(12, 30, 1, 5), datetime.time(12, tzinfo=datetime.UTC), datetime.timedelta(1, 2, 3), UTC2,
    float, int, str, bool, complex, object, bytes, np.float64, np.uint8, np.bool_, np.str_, np.ndarray,
    np.dtype("f4"), np.dtype(">i4"), np.dtype("U10"), np.dtype("S10"), np.dtype(object), np.dtype(bool),
    np.float64(1.5), np.float16(1.5), np.uint64(2**64 - 1), np.bool_(True), np.complex64(1 + 2j),
    np.str_("µm"),
    np.bytes_(b"ab\0"), np.longdouble(1) / 3, np.void(b"abc"), np.array(1.5), np.array([]),
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(6.0)[::2], np.arange(3, dtype=">i4"),
    np.zeros((0, 3)),
    np.array(["a", "µm"]), np.array(["a", "b"], dtype=">U3"), np.array([b"a", b"bc"]), np.array([True,
    False]),
    np.array([1, "x", None], dtype=object), np.array([[1], ["x"]], dtype=object), np.array(["", ""]),
    np.arange(100_000, dtype="u4"), [np.float64(1), np.float64(2)], {"dtype": np.float64, "shape": (3,)},
]  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Equal in type and value, with NaN equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        equal = a.dtype == b.dtype and a.shape == b.shape
        return equal and (same(a.tolist(), b.tolist()) if a.dtype.hasobject else a.tobytes() == b.tobytes())
    if isinstance(a, float | np.floating):
        return a == b or (a != a and b != b)
    return bool(a == b)


def recorded_pickles(name: str) -> list[bytes]:
    commands = (command for transaction in Recording(CAPTURES / name).transactions for command in transaction)
    return [
        arg for command in commands for arg in command.args if arg[:2] == b"\x80\x04" and arg[-1:] == b"."
    ]


@pytest.mark.parametrize("name", RECORDINGS)
def test_all_recorded_pickles_are_read(name: str) -> None:
    recorded = recorded_pickles(name)
    assert len(recorded) > 50
    for data in recorded:
        assert same(loads(data), pickle.loads(data)), data


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.30}")
def test_reads_what_pickle_writes(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert same(loads(data), pickle.loads(data))


def test_reads_shared_parts_of_containers() -> None:
    shared = ["x"]
    value = loads(pickle.dumps([shared, shared, {"again": shared}], 4))
    assert value == [["x"], ["x"], {"again": ["x"]}]
    assert value[0] is value[1]


def test_arrays_are_writable_and_own_their_memory() -> None:
    array = loads(pickle.dumps(np.arange(3), 4))
    array[0] = 7
    assert array.flags.owndata or array.base.flags.owndata


@pytest.mark.parametrize("number", range(7))
def test_the_state_of_a_scan_is_its_name(number: int) -> None:
    names = ["IDLE", "PREPARING", "STARTING", "STOPPING", "DONE", "USER_ABORTED", "KILLED"]
    data = b"\x80\x03cbliss.scanning.scan_state\nScanState\nq\x00K%c\x85q\x01Rq\x02." % number
    assert loads(data) == names[number]


def test_an_unknown_state_of_a_scan_is_opaque() -> None:
    data = b"\x80\x03cbliss.scanning.scan_state\nScanState\nK\x07\x85R."
    assert loads(data) == Opaque("bliss.scanning.scan_state", "ScanState")


class Canary:
    """Pickles itself as a call that leaves a folder behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


class Plain:
    """An object with a state, which protocol 2 and later make by NEWOBJ and BUILD."""

    def __init__(self) -> None:
        self.attribute = 1


class WithKeywords:
    """An object that is made by NEWOBJ_EX."""

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, int]]:
        return (1,), {"x": 2}


def test_nothing_in_a_pickle_is_called(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    hidden = [
        Canary(canary),
        (Canary(canary),),
        {"x": Canary(canary)},
        np.array([Canary(canary), 1], dtype=object),
    ]
    for value in [*hidden, hidden, {"dtype": Canary(canary)}, Canary(canary)]:
        for protocol in PROTOCOLS:
            loads(pickle.dumps(value, protocol))
            assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary), 4))
    assert canary.exists(), "the canary itself does not work"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_objects_of_other_classes_are_opaque_wherever_they_stand(protocol: int) -> None:
    posix, mkdir = "posix", Opaque("posix", "mkdir")
    assert os.mkdir.__module__ == posix
    value = loads(
        pickle.dumps({"a": [Canary(Path("x")), 1], "b": np.array([os.mkdir, None], dtype=object)}, protocol)
    )
    assert value["a"] == [mkdir, 1]
    assert value["b"].tolist() == [mkdir, None]
    plain = loads(pickle.dumps(Plain(), protocol))
    if protocol < 2:
        assert plain == Opaque("copyreg" if protocol > 2 else "copy_reg", "_reconstructor")
    else:
        assert plain == Opaque(__name__, "Plain")
    if protocol > 3:
        assert loads(pickle.dumps(WithKeywords(), protocol)) == Opaque(__name__, "WithKeywords")


ARRAY_HEAD = b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n\x94cnumpy\nndarray\n\x94K\x00\x85C\x01b\x87R"
F8 = b"cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
U1 = F8.replace(b"\x02f8", b"\x02U1")
HUGE = b"J\xff\xff\xff\x7f"
OBJECT = b"cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
HOSTILE_CALLS = {
    "eval": (b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", Opaque("builtins", "eval")),
    "int of text": (b"cbuiltins\nint\nX\x02\x00\x00\x0012\x85R.", Opaque("builtins", "int")),
    "bytes of a size": (
        b"cbuiltins\nbytes\n\x8a\x06\x00\x00\x00\x00\x00\x10\x85R.",
        Opaque("builtins", "bytes"),
    ),
    "list of a range": (
        b"cbuiltins\nlist\ncbuiltins\nrange\nJ\xff\xff\xff\x7f\x85R\x85R.",
        Opaque("builtins", "list"),
    ),
    "str": (b"cbuiltins\nstr\nK\x01\x85R.", Opaque("builtins", "str")),
    "object": (b"cbuiltins\nobject\n)R.", Opaque("builtins", "object")),
    "NEWOBJ of a list": (b"\x80\x04cbuiltins\nlist\n)\x81.", Opaque("builtins", "list")),
    "numpy.float64 of text": (b"cnumpy\nfloat64\nX\x01\x00\x00\x001\x85R.", Opaque("numpy", "float64")),
    "ndarray of a shape": (b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x85R.", Opaque("numpy", "ndarray")),
    "NEWOBJ of an ndarray": (
        b"\x80\x04cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x85\x81.",
        Opaque("numpy", "ndarray"),
    ),
    "a list in the place of an ndarray": (
        ARRAY_HEAD.replace(b"cnumpy\nndarray", b"cbuiltins\nlist") + b".",
        Opaque("numpy.core.multiarray", "_reconstruct"),
    ),
    "getattr": (
        b"cbuiltins\ngetattr\ncbuiltins\nstr\nX\x05\x00\x00\x00upper\x86R.",
        Opaque("builtins", "getattr"),
    ),
    "dotted name": (
        b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.",
        Opaque("numpy", "ndarray.__class__"),
    ),
    "numpy.load": (b"cnumpy\nload\nX\x01\x00\x00\x00x\x85R.", Opaque("numpy", "load")),
    "INST": (b"(X\x01\x00\x00\x00xios\nsystem\n.", Opaque("os", "system")),
    "OBJ": (b"(cos\nsystem\nX\x01\x00\x00\x00xo.", Opaque("os", "system")),
    "call of what a call gave": (b"cos\nf\n)R)R.", Opaque("os", "f")),
    "BUILD on an opaque": (b"cos\nf\n)R}X\x01\x00\x00\x00aK\x01sb.", Opaque("os", "f")),
    "items of an opaque": (
        b"ccollections\ndefaultdict\n)R(K\x01K\x02u.",
        Opaque("collections", "defaultdict"),
    ),
    "elements of an opaque": (b"ccollections\ndeque\n)R(K\x01K\x02e.", Opaque("collections", "deque")),
}


@pytest.mark.parametrize(("data", "expected"), HOSTILE_CALLS.values(), ids=HOSTILE_CALLS)
def test_a_call_that_is_not_on_the_list_gives_an_opaque(data: bytes, expected: Opaque) -> None:
    assert loads(data) == expected


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype([("a", "f8"), ("b", "i4")]),
        np.dtype(("f8", (2,))),
        np.dtype("M8[ns]"),
        np.dtype([("o", object)]),
    ],
    ids=str,
)
def test_records_and_times_of_numpy_are_opaque(dtype: np.dtype[Any]) -> None:
    assert loads(pickle.dumps(dtype, 4)) == Opaque("numpy", "dtype")
    if dtype.subdtype is None:
        assert loads(pickle.dumps({"x": np.zeros(2, dtype)}, 4)) == {"x": Opaque("numpy", "ndarray")}


def test_each_unknown_name_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opaque, "_logged", set())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            loads(b"(cos\nsystem\ncos\nsystem\ncos\nfork\nl.")
        loads(b"\x80\x04\x8c\x03a\nb\x8c\x01c\x93.")
    assert [record.getMessage().split(" name ")[1].split(":")[0] for record in caplog.records] == [
        "'os'.'system'", "'os'.'fork'", "'a\\nb'.'c'",
    ]  # fmt: skip


def test_an_opaque_can_be_copied_and_not_be_published() -> None:
    value = loads(b"cos\nsystem\n.")
    assert copy.deepcopy({"x": value}) == {"x": value} == copy.copy({"x": value})
    with pytest.raises(TypeError, match=r"os\.system"):
        dumps({"x": value})


UNDECODABLE = {
    "nothing": b"",
    "no pickle": b"hello",
    "no end": pickle.dumps([1, 2], 4)[:-1],
    "no start": b".",
    "more behind": pickle.dumps(1, 4) + b"x",
    "two values": b"K\x01K\x02.",
    "open mark": b"(K\x01.",
    "unknown opcode": b"\xff.",
    "protocol 200": b"\x80\xc8K\x01.",
    "persistent id": b"\x80\x04K\x01Q.",
    "extension": b"\x80\x04\x82\x01.",
    "frame beyond the end": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00K\x01.",
    "text that is not UTF-8": b"\x80\x04\x8c\x01\xff.",
    "unknown memo": b"\x80\x04h\x05.",
    "number of many digits": b"I" + b"9" * 5000 + b"\n.",
    "number of many bytes": b"\x80\x04\x8b" + struct.pack("<i", 10**6) + bytes(10**6) + b".",
    "number of 200 digits": b"I" + b"9" * 200 + b"\n.",
    "long number of 200 digits": b"L" + b"9" * 200 + b"L\n.",
    "huge number as a key": b"\x80\x04}\x8a\x09" + bytes(8) + b"\x01K\x01s.",
    "huge number in a set": b"\x80\x04\x8f(\x8a\x09" + bytes(8) + b"\x01\x90.",
    "huge number in a called set": b"cbuiltins\nset\n(\x8a\x09" + bytes(8) + b"\x01l\x85R.",
    "list as a key": b"\x80\x04}]K\x01s.",
    "odd items": b"\x80\x04}(K\x01u.",
    "items of a number": b"\x80\x04K\x01(K\x01K\x01u.",
    "call of a number": b"\x80\x04K\x01)R.",
    "call without a tuple": b"\x80\x04cos\nsystem\n]R.",
    "state of a class": b"\x80\x04cbuiltins\nfloat\n}b.",
    "name that is a number": b"\x80\x04K\x01K\x02\x93.",
    "datetime of 9 bytes": b"\x80\x04cdatetime\ndatetime\nC\x09" + bytes(9) + b"\x85R.",
    "datetime of month 13": b"\x80\x04cdatetime\ndatetime\nC\x0a\x07\xea\x0d\x01" + bytes(6) + b"\x85R.",
    "date of text": b"\x80\x04cdatetime\ndate\n\x8c\x04abcd\x85R.",
    "timezone of 99 hours": b"\x80\x04cdatetime\ntimezone\ncdatetime\ntimedelta\nK\x63\x85R\x85R.",
    "array without state": ARRAY_HEAD + b".",
    "array of wrong size": ARRAY_HEAD + b"(K\x01K\x02\x85" + F8 + b"\x89C\x08" + bytes(8) + b"tb.",
    "array of negative shape": ARRAY_HEAD + b"(K\x01J\xff\xff\xff\xff\x85" + F8 + b"\x89C\x00tb.",
    "array of a huge empty shape": ARRAY_HEAD + b"(K\x01" + HUGE * 2 + b"K\x00\x87" + F8 + b"\x89C\x00tb.",
    "array of objects in bytes": ARRAY_HEAD + b"(K\x01K\x01\x85" + OBJECT + b"\x89C\x08" + bytes(8) + b"tb.",
    "array of too few objects": ARRAY_HEAD + b"(K\x01K\x02\x85" + OBJECT + b"\x89]K\x01atb.",
    "array of a huge number of objects": ARRAY_HEAD + b"(K\x01J\xff\xff\xff\x7f\x85" + OBJECT + b"\x89]tb.",
    "array whose dtype is a class": ARRAY_HEAD + b"(K\x01K\x01\x85cbuiltins\nfloat\n\x89C\x01.tb.",
    "array inside itself": ARRAY_HEAD + b"\x94(K\x01K\x01\x85" + OBJECT + b"\x89]h\x02atb.",
    "dtype of another item size": F8.replace(b"NNNJ\xff\xff\xff\xff", b"NNNJ\x10\x00\x00\x00") + b".",
    "dtype without state": b"\x80\x04cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R.",
    "text beyond Unicode": ARRAY_HEAD + b"(K\x01K\x01\x85" + U1 + b"\x89C\x04\xff\xff\xff\xfftb.",
}  # fmt: skip


@pytest.mark.parametrize("data", UNDECODABLE.values(), ids=UNDECODABLE)
def test_bytes_that_are_no_pickle_raise_one_error_with_one_line(data: bytes) -> None:
    with pytest.raises(UndecodablePickle, match=r"^not a readable pickle: .+$") as caught:
        loads(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def laughs(levels: int, width: int) -> bytes:
    """Lists of ``width`` times the same list, nested."""
    head = b"\x80\x04](" + b"K\x01" * width + b"e\x94"
    middle = b"".join(b"](" + b"h%c" % level * width + b"e\x94" for level in range(levels))
    return head + b"0" + middle + b"."


def nested_tuples_as_key(depth: int) -> bytes:
    return b"\x80\x04}" + b")" + b"\x85" * depth + b"K\x01s."


BOMBS = {
    "bytearray longer than the data": b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.",
    "bytes longer than the data": b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00.",
    "text longer than the data": b"\x80\x04\x8d\xff\xff\xff\xff\xff\x00\x00\x00.",
    "fixed-width text": ARRAY_HEAD
    + b"(K\x01K\x01\x85"
    + F8.replace(b"\x02f8", b"\x0aU999999999")
    + b"\x89C\x00tb.",
    "empty text": ARRAY_HEAD
    + b"(K\x01J\xff\xff\xff\x7f\x85"
    + F8.replace(b"\x02f8", b"\x02U0")
    + b"\x89C\x00tb.",
    "nested lists": b"]" * 100_000 + b"a" * 99_999 + b".",
    "nested tuples": b")" + b"\x85" * 100_000 + b".",
    "nested tuples as a key": nested_tuples_as_key(400_000),
    "nested tuples in a set": b"\x80\x04\x8f(" + b")" + b"\x85" * 100_000 + b"\x90.",
    "list inside itself": b"\x80\x04]\x94h\x00a.",
    "dict inside itself": b"\x80\x04}\x94K\x01h\x00s.",
    "a billion laughs": laughs(levels=9, width=10),
    "two wide levels": laughs(levels=2, width=200_000),
    "wide tuples as keys": b"\x80\x04(" + b"K\x01" * 1000 + b"t\x940}h\x00K\x01s.",
    "endless operations": b"N0" * 500_001 + b"N.",
}


def peak_bytes(data: bytes) -> int:
    """Most memory in use while reading; what the pickle is, or whether it is one, does not matter here."""
    tracemalloc.start()
    try:
        with contextlib.suppress(UndecodablePickle):
            loads(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_no_pickle_takes_much_memory_or_crashes(data: bytes) -> None:
    assert peak_bytes(data) < 100_000_000
    with pytest.raises(UndecodablePickle):
        loads(data)


@pytest.mark.parametrize(
    "data", [b"\x80\x02K\x01r\xff\xff\xff\x7f0j\xff\xff\xff\x7f.", b"K\x01p99999999999\n."]
)
def test_a_memo_index_may_be_huge_and_costs_nothing(data: bytes) -> None:
    assert loads(data) == 1
    assert peak_bytes(data) < 1_000_000


def test_longer_pickles_than_redis_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "LARGEST_VALUE_BYTES", 10)
    with pytest.raises(UndecodablePickle, match="more than 10"):
        loads(pickle.dumps("x" * 10, 4))


def test_nesting_is_limited_where_it_says() -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    limit = _unpickler.DEEPEST_NESTING
    assert loads(pickle.dumps(nested(limit - 1), 4)) == nested(limit - 1)
    with pytest.raises(UndecodablePickle, match="nested deeper"):
        loads(pickle.dumps(nested(limit + 1), 4))


# Whatever the bytes: a value of harmless types, or UndecodablePickle.

HARMLESS = (
    type(None), bool, int, float, complex, str, bytes, bytearray, Opaque, type,
    datetime.date, datetime.time, datetime.timedelta, datetime.timezone, np.generic, np.dtype,
)  # fmt: skip


def check_harmless(value: Any) -> None:
    if isinstance(value, dict):
        assert type(value) in (dict, collections.OrderedDict)
        value = [*value.keys(), *value.values()]
    elif isinstance(value, np.ndarray):
        assert type(value) is np.ndarray
        value = value.ravel().tolist()
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            check_harmless(item)
    else:
        assert isinstance(value, HARMLESS), type(value)
        if isinstance(value, type):
            assert value.__module__ in ("builtins", "numpy", "datetime", "collections")


def read(data: bytes) -> None:
    try:
        value = loads(data)
    except UndecodablePickle:
        return
    check_harmless(value)
    repr(value)


SEEDS = [pickle.dumps(value, protocol) for value in VALUES[:-4] for protocol in (2, 4, 5)] + list(
    HOSTILE_CALLS["eval"][:1]
)
NAMES = [
    ("builtins", "eval"), ("builtins", "bytes"), ("os", "mkdir"), ("numpy", "ndarray"), ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("datetime", "datetime"),
    ("numpy.core.numeric", "_frombuffer"), ("builtins", "complex"), ("_codecs", "encode"), ("datetime",
    "timezone"),
    ("collections", "OrderedDict"), ("bliss.scanning.scan_state", "ScanState"), ("datetime", "timedelta"),
]  # fmt: skip
ATOMS = [
    *(f"c{module}\n{name}\n".encode() for module, name in NAMES), *(bytes([op]) for op in range(256)),
    b"K\x01", b"K\x00\x85", b"J\xff\xff\xff\x7f", b"C\x08abcdefgh", b"C\x00", b"\x8c\x02f8", b"\x8c\x02O8",
    b"\x8c\x01<",
    b"C\x0a\x07\xea\x01\x01\x00\x00\x00\x00\x00\x00", b"G" + bytes(8), F8, OBJECT, ARRAY_HEAD, b"\x85R",
    b"\x86R", b"tR",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good pickle with a few bytes changed, left out, doubled, or replaced by a part of another."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = start + draw(st.sampled_from([0, 1, 1, 1, 2, 8]))
        other = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from(ATOMS), st.just(bytes(data[start:stop])))
        )
        data[start:stop] = other
    return bytes(data)


assembled = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=30).map(
    lambda parts: b"\x80\x04" + b"".join(parts) + b"."
)
RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@settings(max_examples=150, **RELAXED)
@given(mutated())
def test_changed_pickles_give_harmless_values_or_the_one_error(data: bytes) -> None:
    read(data)


@settings(max_examples=150, **RELAXED)
@given(assembled)
def test_assembled_opcodes_give_harmless_values_or_the_one_error(data: bytes) -> None:
    read(data)


@pytest.mark.full
@pytest.mark.timeout(1200)
@settings(max_examples=40_000, **RELAXED)
@given(st.one_of(mutated(), assembled, st.binary(max_size=200)))
def test_many_changed_pickles_give_harmless_values_or_the_one_error(data: bytes) -> None:
    read(data)


# Writing.

NUMPY_1 = {"numpy.core.multiarray", "numpy", "builtins", "datetime", "collections", "_codecs"}


class NumpyOneUnpickler(pickle.Unpickler):
    """Reads by the names that numpy 1 has."""

    def find_class(self, module: str, name: str) -> Any:
        assert module in NUMPY_1, f"{module}.{name}"
        if module == "numpy.core.multiarray":
            return getattr(np._core.multiarray, name)
        assert (module, name) != ("numpy", "bool"), "numpy 1 calls it bool_"
        return super().find_class(module, name)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.30}")
def test_clients_with_numpy_1_read_what_we_write(value: Any) -> None:
    for written in (value, {"x": [value]}):
        data = dumps(written)
        assert b"numpy._core" not in data
        assert max(data[1], 4) == 4
        back = NumpyOneUnpickler(io.BytesIO(data)).load()
        assert same(back, pickle.loads(pickle.dumps(written, 4)))


def test_a_name_in_the_data_is_not_mistaken_for_a_name() -> None:
    name = b"\x8c\x16numpy._core.multiarray\x94"
    for value in (np.frombuffer(name, "u1"), np.void(name), np.str_(name.decode("latin1")), name):
        assert same(loads(dumps(value)), value)


@pytest.mark.parametrize("name", RECORDINGS)
def test_numbers_and_arrays_are_written_byte_for_byte_as_bliss_does(name: str) -> None:
    values = [(data, pickle.loads(data)) for data in recorded_pickles(name)]
    numeric = [(data, value) for data, value in values if isinstance(value, np.generic | np.ndarray)]
    assert numeric or name == "metadata"
    for data, value in numeric:
        assert dumps(value) == data
