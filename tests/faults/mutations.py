"""Real entries and infos of channels, and what chance or malice may make of them."""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from nexus_writer.data import keys
from nexus_writer.data.info import pairs
from nexus_writer.data.publishing import ScanPublisher
from nexus_writer.data.recording import Recording
from tests.fixtures_redis import CAPTURES

RECORDINGS = ("dtypes", "strings", "mca", "loopscan10", "lima_two", "sequence")
Fields = list[tuple[bytes, bytes]]
"""Of an entry or a hash, in their order."""


@dataclass(frozen=True)
class Sample:
    """A channel of a recording: the type of its node, its info, and the fields of an entry."""

    node_type: bytes
    info: Fields
    entry: Fields


@cache
def samples() -> list[Sample]:
    """One of each channel of the recordings."""
    found = []
    for name in RECORDINGS:
        nodes: dict[bytes, dict[bytes, bytes]] = {}
        entries: dict[bytes, Fields] = {}
        for transaction in Recording(CAPTURES / name).transactions:
            for command in transaction:
                if command.name in (b"HSET", b"HMSET"):
                    nodes.setdefault(command.key, {}).update(pairs(command.args[2:]))
                elif command.name == b"XADD" and command.key.endswith(b"_data"):
                    start = command.args.index(keys.EVENT_FIELD) if keys.EVENT_FIELD in command.args else 0
                    if start:
                        entries[command.key] = list(pairs(command.args[start:]).items())
        for stream, entry in entries.items():
            key = stream.removesuffix(b"_data")
            own = nodes.get(key + b"_info", {})
            info = [(name, own[name]) for name in own if name != b"fullname"]  # mutants have their own names
            found.append(Sample(nodes.get(key, {}).get(b"node_type", b"channel"), info, entry))
    return found


class Runs:
    """Pickled, it runs a function where it is read by the standard library."""

    def __init__(self, function: Any, *args: Any) -> None:
        self._reduced = (function, args)

    def __reduce__(self) -> Any:
        return self._reduced


def malicious(canary: Path) -> list[bytes]:
    """Pickles that would make the file ``canary``, eat the memory, or never end."""
    touch = f"touch {canary}"
    write = f"open({str(canary)!r}, 'w').close()"
    module, name = f"cposix\nsystem\n(S{touch!r}\ntR.", f"cbuiltins\neval\n(S{write!r}\ntR."
    running = [
        Runs(os.system, touch),
        Runs(eval, write),
        Runs(exec, write),
        Runs(getattr, Runs(__import__, "os"), "system"),
        Runs(Runs, Runs(os.system, touch)),
        Runs(np.frombuffer, Runs(os.system, touch)),
        {"dtype": Runs(os.system, touch), "shape": ()},
        [1.0, Runs(os.system, touch)],
        np.array([Runs(os.system, touch)], dtype=object),
    ]
    pickled = [pickle.dumps(value, protocol) for value in running[3:] for protocol in (2, 4)]
    pickled += [pickle.dumps(value, protocol) for value in running[:3] for protocol in range(6)]
    doubling = (
        b"\x80\x04]\x94" + b"".join(b"(h%bh%bl\x94" % (bytes([n]), bytes([n])) for n in range(60)) + b"."
    )
    bombs = [
        module.encode(),
        name.encode(),
        doubling,
        b"\x80\x04" + b"]\x94" * 200_000 + b"a" * 199_999 + b".",
        b"\x80\x04)" + b"\x85" * 200_000 + b".",
        b"\x80\x04]\x94h\x00a.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
        b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**63) + b"N.",
        b"\x80\x02Nr\xff\xff\xff\x7f0j\xff\xff\xff\x7f.",
        b"L" + b"9" * 1_000_000 + b"L\n.",
        b"\x80\x05\x97.",
        pickle.dumps(np.zeros((0, 10**9), "S1"), 4),
        pickle.dumps(10**4000, 4),
    ]
    return pickled + bombs


SHAPES: list[Any] = [
    (10**9, 10**9),
    (2**62, 2**62),
    (-1, -1),
    (10**6,) * 20,
    (1,) * 40,
    (True, 3),
    ("3",),
    (10**400,),
    (0,) * 33,
    [5],
    "shape",
    None,
    7,
]
DTYPES: list[Any] = [
    "S999999999",
    "U99999999",
    "V999999999",
    "M8[ns]",
    "O",
    "f8,f8",
    "(1000,1000)f8",
    "f16",
    ">c16",
    "a" * 10_000,
    np.dtype("S0"),
    np.dtype("i8"),
    object,
    None,
    b"f8",
    3,
]
NAMES: list[Any] = [
    "",
    "a" * 100_000,
    "../../../etc/passwd",
    "/",
    "a/b",
    "nul\0nul",
    "line\nline",
    "\ud800",
    "ctl:diode",
    ":" * 5000,
    b"bytes",
    3,
    ["x"],
]
FAR: list[Any] = [10**15, 2**63, -5, 1e300, float("nan"), "7", None, 10**400, [1], True]
STATUSES = [
    {"last_image_ready": far, "last_image_saved": far, "last_image_acquired": far, "lima_acq_nb": 1}
    for far in FAR
]
COUNTS = [
    b"-1",
    b"0",
    b"1e9",
    b"999999999999999999999",
    b"4294967296",
    b"",
    b"one",
    b"\xff",
    b"2",
    b"9" * 5000,
]


def _pickled(values: list[Any]) -> st.SearchStrategy[bytes]:
    return st.sampled_from([pickle.dumps(value, 4) for value in values])


@st.composite
def _bent(draw: st.DrawFn, value: bytes) -> bytes:
    """A value with bytes flipped, cut off, repeated or put in."""
    how = draw(st.sampled_from(("flip", "cut", "double", "insert", "zeros")))
    at = draw(st.integers(0, max(0, len(value) - 1)))
    if how == "flip" and value:
        return value[:at] + bytes([value[at] ^ draw(st.integers(1, 255))]) + value[at + 1 :]
    if how == "cut":
        return value[:at]
    if how == "double":
        return value + value[at:]
    if how == "insert":
        return value[:at] + draw(st.binary(min_size=1, max_size=20)) + value[at:]
    return value[:at] + bytes(len(value) - at)


@st.composite
def _mutated(draw: st.DrawFn, fields: Fields, evil: list[bytes]) -> Fields:
    """An entry or info with something wrong in it."""
    if not fields:
        return fields
    fields = list(fields)
    at = draw(st.integers(0, len(fields) - 1))
    other = draw(st.integers(0, len(fields) - 1))
    name, value = fields[at]
    kind = draw(
        st.sampled_from(("bend", "bend", "evil", "evil", "swap", "drop", "rename", "type", "type", "text"))
    )
    if kind == "bend":
        fields[at] = (name, draw(_bent(value)))
    elif kind == "evil":
        fields[at] = (name, draw(st.sampled_from(evil)))
    elif kind == "swap":
        fields[at], fields[other] = (name, fields[other][1]), (fields[other][0], value)
    elif kind == "drop" and len(fields) > 1:
        del fields[at]
    elif kind == "rename":
        fields[at] = (draw(_bent(name)) or b"x", value)
    elif kind == "text":
        fields[at] = (name, draw(st.binary(max_size=50)))
    else:
        fields[at] = (name, draw(_of_another_type(name, value)))
    return fields


def _of_another_type(name: bytes, value: bytes) -> st.SearchStrategy[bytes]:
    if name == keys.POINTS_FIELD:
        return st.sampled_from(COUNTS)
    if name == keys.DESCRIPTION_FIELD:
        shapes = [{"shape": shape, "dtype": float} for shape in SHAPES]
        return _pickled([*shapes, *({"shape": (), "dtype": dtype} for dtype in DTYPES)])
    if name == keys.STATUS_FIELD:
        return _pickled(STATUSES)
    if name.startswith(b"saving_"):
        return _pickled([*FAR, *NAMES, "%s%s%n", "%0999999999d", "EDF", "HDF5BS"])
    if name == b"shape":
        return _pickled(SHAPES)
    if name == b"dtype":
        return _pickled(DTYPES)
    if name in (b"fullname", b"unit", b"node_name"):
        return _pickled(NAMES)
    values = [
        np.zeros((1, 3000)),
        np.zeros((3000, 1)),
        np.zeros((2,) * 20),
        np.array("x" * 1000),
        10**30,
        "x",
    ]
    return _pickled([*values, None, [], [[1], [2, 3]], {"a": {}}, object, np.zeros(0), -1.5, 3j, b"\0"])


@dataclass(frozen=True)
class Mutant:
    """A channel to publish: its node, its info, and entries with the ids at which they go."""

    node_type: bytes
    info: Fields
    entries: tuple[tuple[int, Fields], ...]

    def publish(self, scan: ScanPublisher, device: str, name: str) -> None:
        """As a channel of a device of a scan that is prepared, by what Redis takes of it."""
        client = scan._nodes.client
        key = f"{device}:{name}"
        if self.info:
            client.hset(f"{key}_info", mapping=dict(self.info))
        node = {
            "version": "v1.1",
            "name": name,
            "db_name": key,
            "parent": device,
            "node_type": self.node_type,
        }
        client.hset(key, mapping=node)
        scan._nodes.announce(key, device)
        for entry_id, fields in self.entries:
            client.execute_command(
                "XADD", f"{key}_data", entry_id, *(part for pair in fields for part in pair)
            )


class Mutants(list[Mutant]):
    """Those of one scan; too much to be printed."""

    def __repr__(self) -> str:
        return f"<{len(self)} mutants>"


@st.composite
def mutants(draw: st.DrawFn, evil: list[bytes]) -> Mutant:
    """A real channel of which one thing is wrong: an entry, its place in the stream, or the info."""
    sample = draw(st.sampled_from(samples()))
    info, entry = list(sample.info), sample.entry
    if draw(st.integers(0, 9)) == 0:
        info.append((b"fullname", draw(_pickled(NAMES))))
    wrong = draw(st.sampled_from(("entry", "entry", "entry", "info", "both", "place")))
    if wrong in ("info", "both"):
        info = draw(_mutated(info, evil))
    bad = draw(_mutated(entry, evil)) if wrong in ("entry", "both") else entry
    first = (
        draw(st.sampled_from((0, 10**6, 2**31, 2**32 - 3, 10**12, 2**62, 2**64 - 10)))
        if wrong == "place"
        else 0
    )
    number = draw(st.integers(0, 2))
    entries = [entry] * number + [bad] + [entry] * draw(st.integers(0, 2))
    places = [1 + n for n in range(number)] + [first + 1 + number + n for n in range(len(entries) - number)]
    return Mutant(sample.node_type, info, tuple(zip(places, entries, strict=True)))


class Info(dict[bytes, bytes]):
    """Fields of an info; too long to be printed."""

    def __repr__(self) -> str:
        return str({name: value[:60] for name, value in self.items()})


def strange_infos(evil: list[bytes]) -> st.SearchStrategy[Info]:
    """Fields of the info of a scan, as nobody should publish them."""
    names = (
        *(
            "name",
            "title",
            "scan_nb",
            "session_name",
            "filename",
            "images_path",
            "save",
            "data_writer",
            "npoints",
        ),
        *(
            "start_time",
            "start_timestamp",
            "end_timestamp",
            "acquisition_chain",
            "channels",
            "devices",
            "plots",
        ),
        *(
            "positioners",
            "comments",
            "scan_meta_categories",
            "instrument",
            "technique",
            "nexuswriter",
            "data_dim",
        ),
        *("npoints1", "npoints2", "writer_options", "publisher", "state", "data_policy", "display_extra"),
    )
    deep: Any = 1.0
    for _ in range(90):
        deep = {"deeper": deep}
    chain = {"timer": {"devices": [NAMES], "scalars": NAMES, "master": {"devices": FAR}}}
    options = {"chunk_options": {"chunk_nbytes": 1, "chunk_split": 10**9, "compression_scheme": "\n"}}
    values = [*FAR, *NAMES, *SHAPES, deep, chain, {"timer": chain}, options, {n: n for n in range(1000)}]
    values += [
        {"@NX_class": 7, ">x": "::", "/": {"/": "/"}, "a@b@c": deep},
        ["instrument", 3],
        "x" * 1_000_000,
    ]
    values += [[{"message": "m", "timestamp": far} for far in FAR], {"positioners_start": deep}, [[]] * 50]
    pickled = st.one_of(_pickled(values), st.sampled_from(evil), st.binary(max_size=30))
    fields = st.sampled_from([name.encode() for name in names])
    return st.dictionaries(fields, pickled, min_size=1, max_size=4).map(Info)


def publish_strangely(scan: ScanPublisher, fields: dict[bytes, bytes]) -> None:
    """A whole scan, whose info has these fields from before it is announced."""
    nodes = scan._nodes
    nodes.create(scan.key, scan.spec.node_type, parent=scan._parent, info=scan.info)
    info: Any = fields
    nodes.client.hset(f"{scan.key}_info", mapping=info)
    nodes.announce(scan.key, scan._parent)
    scan.info["state"] = "PREPARING"
    scan.prepare()
    nodes.client.hset(f"{scan.key}_info", mapping=info)
    for channel in scan.channels.values():
        channel.publish(np.zeros((3, *channel.spec.shape)))
    scan.end()
