"""Points come out as they were published, whatever they look like and however they are cut into reads."""

from __future__ import annotations

import itertools
import os
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.data import description as description_module
from nexus_writer.data import points as points_module
from nexus_writer.data._numpy_patterns import parse
from nexus_writer.data._rows import MOST_KINDS
from nexus_writer.data.errors import Undecodable, UndecodablePickle
from nexus_writer.data.pickles import dumps, loads
from nexus_writer.data.points import JOIN_BELOW_BYTES, KnownKinds, PointDecoder, decode_description
from nexus_writer.data.recording import Recording
from nexus_writer.model import Block
from tests.fixtures_redis import CAPTURES

Entry = list[Any]
RECORDINGS = sorted(path.name for path in CAPTURES.iterdir() if path.is_dir())
INTEGERS = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)]
NUMERIC = ["?", *INTEGERS, "f2", "f4", "f8", "c8", "c16", ">i4", ">f8", ">u2"]
RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def description(dtype: Any = float, shape: tuple[int, ...] = (), **more: Any) -> bytes:
    return dumps({"reference": False, "dtype": dtype, "shape": shape, "unit": None, **more})


def entry(index: int, data: bytes, points: int = 1, described: bytes | None = None) -> Entry:
    """An entry as hiredis gives it: all bytes objects are its own."""
    fields = [
        b"__EVENT__",
        b"CHANNELDATA",
        b"__DESC__",
        described or description(),
        b"__NPOINTS__",
        b"%d" % points,
    ]
    return [b"%d-0" % (index + 1), [bytes(bytearray(field)) for field in (*fields, b"__DATA__", data)]]


def entries_of(values: np.ndarray, cuts: Sequence[int], start: int = 0, protocol: int = 4) -> list[Entry]:
    """As a publisher sends them: blocks of points, a single point unwrapped."""
    entries = []
    described = description(values.dtype, values.shape[1:])
    bounds = sorted({0, *(cut for cut in cuts if cut < len(values)), len(values)})
    for begin, end in itertools.pairwise(bounds):
        if end > begin:
            value = values[begin] if end - begin == 1 else values[begin:end]
            data = dumps(value) if protocol == 0 else pickle.dumps(value, protocol)
            entries.append(entry(start + begin, data, end - begin, described))
    return entries


def native(values: np.ndarray) -> np.ndarray:
    return values.astype(values.dtype.newbyteorder("="))


def assert_block(block: Block, start: int, values: np.ndarray) -> None:
    assert (block.start, block.values.dtype, block.values.shape) == (start, values.dtype, values.shape)
    assert block.values.tobytes() == values.tobytes()


def in_reads(entries: Sequence[Entry], sizes: Sequence[int]) -> list[Block]:
    """Decoded by one decoder in reads of these sizes, over and over."""
    decoder, blocks, rest = PointDecoder("c"), [], list(entries)
    for size in itertools.cycle(sizes):
        if not rest:
            return blocks
        blocks += decoder.decode(rest[:size])
        rest = rest[size:]
    raise AssertionError


def joined(blocks: Sequence[Block]) -> np.ndarray:
    for before, block in itertools.pairwise(blocks):
        assert block.start == before.stop
    return np.concatenate([block.values for block in blocks])


# Recordings.


def streams(name: str) -> dict[bytes, list[Entry]]:
    found: dict[bytes, list[Entry]] = {}
    for command in itertools.chain.from_iterable(Recording(CAPTURES / name).transactions):
        if command.name == b"XADD" and b"__EVENT__" in command.args:
            at = command.args.index(b"__EVENT__")
            found.setdefault(command.key, []).append([command.args[at - 1], list(command.args[at:])])
    return {key: entries for key, entries in found.items() if key.endswith(b"_data")}


def published(entry: Entry) -> tuple[int, list[Any]]:
    """Index of the first point, and the points: by the standard unpickler, on bytes that we know."""
    fields = dict(zip(entry[1][::2], entry[1][1::2], strict=True))
    if fields[b"__EVENT__"] != b"CHANNELDATA":
        return 0, []
    value = pickle.loads(fields[b"__DATA__"])
    return int(entry[0].split(b"-")[0]) - 1, list(value) if fields[b"__NPOINTS__"] != b"1" else [value]


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (7,), (10_000,)], ids=str)
@pytest.mark.parametrize("name", RECORDINGS)
def test_all_recorded_points_are_decoded(name: str, sizes: Sequence[int]) -> None:
    for key, entries in streams(name).items():
        expected = {}
        for start, values in map(published, entries):
            expected |= dict(enumerate(values, start))
        blocks = in_reads(entries, sizes)
        found = {block.start + i: value for block in blocks for i, value in enumerate(block.values)}
        assert found.keys() == expected.keys(), key
        for index, value in expected.items():
            np.testing.assert_array_equal(found[index], value)
            if isinstance(value, np.number | np.ndarray):
                assert found[index].dtype == value.dtype
            else:
                assert type(found[index]) is (bytes if isinstance(value, bytes) else str)


# Any numbers, any blocks, any reads.


@st.composite
def channels(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[int], int, int]:
    dtype = np.dtype(draw(st.sampled_from(NUMERIC)))
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    points = draw(st.integers(1, 40))
    raw = draw(st.randoms(use_true_random=False)).randbytes(
        points * int(np.prod(shape, dtype=int)) * dtype.itemsize
    )
    values = np.frombuffer(raw, "u1" if dtype.kind == "b" else dtype)
    values = (values % 2).astype(bool) if dtype.kind == "b" else values
    cuts = draw(st.one_of(st.just(list(range(points))), st.lists(st.integers(0, points), max_size=6)))
    sizes = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    return (
        values.reshape(points, *shape),
        cuts,
        sizes,
        draw(st.integers(0, 2000)),
        draw(st.sampled_from([0, 3, 4, 5])),
    )


def check_channel(channel: tuple[np.ndarray, list[int], list[int], int, int]) -> None:
    values, cuts, sizes, start, protocol = channel
    entries = entries_of(values, cuts, start, protocol)
    blocks = in_reads(entries, sizes)
    assert blocks[0].start == start
    assert all(block.channel == "c" for block in blocks)
    everything = joined(blocks)
    assert (everything.dtype, everything.shape) == (native(values).dtype, values.shape)
    assert everything.tobytes() == native(values).tobytes()
    (whole,) = PointDecoder("c").decode(entries)
    assert_block(whole, start, native(values))


@settings(max_examples=70, **RELAXED)
@given(channels())
def test_any_numbers_in_any_reads(channel: tuple[np.ndarray, list[int], list[int], int, int]) -> None:
    check_channel(channel)


@pytest.mark.full
@pytest.mark.timeout(1200)
@settings(max_examples=20_000, **RELAXED)
@given(channels())
def test_many_numbers_in_many_reads(channel: tuple[np.ndarray, list[int], list[int], int, int]) -> None:
    check_channel(channel)


@pytest.mark.parametrize("protocol", [0, 3, 4])
@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("shape", [(), (3,), (100,), (2, 3), (2, 1, 3, 1)], ids=str)
def test_the_fast_way_needs_no_unpickler(
    dtype: str, shape: tuple[int, ...], protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(data: bytes) -> Any:
        raise AssertionError("unpickled")

    values = np.arange(20 * int(np.prod(shape, dtype=int))).reshape(20, *shape).astype(dtype)
    entries = entries_of(values, range(20), 0, protocol)
    decoder = PointDecoder("c")
    monkeypatch.setattr(points_module, "loads", refused)
    for begin, end in [(0, 1), (1, 2), (2, 5), (5, 20)]:
        (block,) = decoder.decode(entries[begin:end])
        assert_block(block, begin, native(values[begin:end]))


def test_the_first_read_of_a_channel_is_as_fast_as_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any) -> Any:
        raise AssertionError("looked at one by one")

    values = np.arange(20.0)
    entries = entries_of(values, range(20), 0, 4)
    monkeypatch.setattr(points_module, "groupby", refused)
    (block,) = PointDecoder("c").decode(entries)
    assert_block(block, 0, values)


def test_what_channels_say_alike_is_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    unpickled = []

    def counted(data: bytes) -> Any:
        unpickled.append(data)
        return loads(data)

    monkeypatch.setattr(description_module, "loads", counted)
    said = description(unit="said here only")
    entries = [entry(index, dumps(np.float64(index)), described=said) for index in range(2)]
    for name in ("a", "b", "c"):
        (block,) = PointDecoder(name).decode(entries)
        assert block.channel == name
    assert unpickled == [said]


def test_a_channel_may_change_its_dtype_and_its_shape() -> None:
    parts = [
        np.arange(3.0),
        np.arange(3),
        np.arange(4, dtype="f4").reshape(2, 2),
        np.ones((1, 3), "f4"),
        np.arange(2.0),
    ]
    starts = np.cumsum([0, *map(len, parts)])
    entries = [
        e for part, start in zip(parts, starts, strict=False) for e in entries_of(part, range(9), int(start))
    ]
    for sizes in [(100,), (1,), (4,)]:
        blocks = in_reads(entries, sizes)
        assert {str(block.values.dtype) + str(block.values.shape[1:]) for block in blocks} == {
            "float64()", "int64()", "float32(2,)", "float32(3,)",
        }  # fmt: skip
        assert sum(map(len, blocks)) == sum(map(len, parts))
    for block, part, start in zip(PointDecoder("c").decode(entries), parts, starts, strict=False):
        assert_block(block, int(start), part)


def test_points_of_different_lengths_are_blocks_of_their_own() -> None:
    points = [np.arange(float(n)) for n in (3, 4, 4, 5, 0, 2)]
    entries = [entry(i, dumps(point), 1, description(float, (-1,))) for i, point in enumerate(points)]
    blocks = PointDecoder("c").decode(entries)
    assert [(block.start, block.values.shape) for block in blocks] == [
        (0, (1, 3)), (1, (2, 4)), (3, (1, 5)), (4, (1, 0)), (5, (1, 2)),
    ]  # fmt: skip


# Gaps.


@pytest.mark.parametrize("points", [1, 2])
@pytest.mark.parametrize("first_read", [0, 1, 3])
def test_a_gap_starts_a_new_block(points: int, first_read: int) -> None:
    values = np.arange(6.0 * points)
    entries = entries_of(values, range(0, 6 * points, points), start=100)
    for late in entries[4:]:
        late[0] = b"%d-0" % (int(late[0][:-2]) + 1000)
    decoder = PointDecoder("c")
    decoder.decode(entries[:first_read])
    blocks = decoder.decode(entries[first_read:])
    assert_block(blocks[0], 100 + first_read * points, values[first_read * points : 4 * points])
    assert_block(blocks[1], 1100 + 4 * points, values[4 * points :])


@pytest.mark.parametrize(
    "ids", [(b"5-0", b"5-1", b"7-0"), (b"5-0", b"6-1", b"7-0"), (b"5-0", b"7-0", b"7-1")], ids=str
)
def test_ids_that_only_seem_to_follow_each_other_are_gaps(ids: tuple[bytes, ...]) -> None:
    decoder = PointDecoder("c")
    decoder.decode(entries_of(np.arange(3.0), range(3)))
    entries = entries_of(np.arange(3.0), range(3))
    for one, entry_id in zip(entries, ids, strict=True):
        one[0] = entry_id
    blocks = decoder.decode(entries)
    starts = [int(entry_id.split(b"-")[0]) - 1 for entry_id in ids]
    assert [block.start + i for block in blocks for i in range(len(block))] == starts


def test_overlapping_blocks_stay_apart() -> None:
    decoder = PointDecoder("c")
    entries = entries_of(np.arange(6.0), [2, 4])
    decoder.decode(entries)
    entries[1][0] = b"2-0"
    assert [block.start for block in decoder.decode(entries)] == [0, 1, 4]


# Large points.


def test_large_points_are_views_of_their_bytes() -> None:
    frames = np.arange(3 * 128 * 256, dtype="u4").reshape(3, 128, 256)
    entries = entries_of(frames, range(3), start=10)
    blocks = PointDecoder("c").decode(entries)
    assert [block.start for block in blocks] == [10, 11, 12]
    for block, frame, one in zip(blocks, frames, entries, strict=True):
        assert_block(block, block.start, frame[np.newaxis])
        address = np.frombuffer(one[1][-1], "u1").__array_interface__["data"][0]
        assert 0 < block.values.__array_interface__["data"][0] - address < 200


def test_points_just_below_the_limit_are_joined() -> None:
    values = np.arange(4 * (JOIN_BELOW_BYTES // 8 - 100), dtype="f8").reshape(4, -1)
    (block,) = PointDecoder("c").decode(entries_of(values, range(4)))
    assert_block(block, 0, values)
    assert block.values.flags.aligned


# Other values.


def one_block(values: Sequence[Any], described: bytes) -> Block:
    (block,) = PointDecoder("c").decode(
        [entry(i, dumps(value), 1, described) for i, value in enumerate(values)]
    )
    assert len(block) == len(values)
    return block


@pytest.mark.parametrize("dtype", [str, object, "U10", np.dtype("U3"), np.str_], ids=str)
@pytest.mark.parametrize("kind", [str, np.str_])
def test_text_is_an_array_of_str(dtype: Any, kind: type) -> None:
    block = one_block([kind(""), kind("a"), kind("Grüße")], description(dtype))
    assert block.values.dtype == object
    assert block.values.tolist() == ["", "a", "Grüße"]
    assert {type(value) for value in block.values} == {str}


@pytest.mark.parametrize("kind", [bytes, np.bytes_])
def test_fixed_width_bytes_are_an_array_of_bytes(kind: type) -> None:
    block = one_block([kind(b""), kind(b"ab"), kind(b"abc")], description("S10"))
    assert block.values.tolist() == [b"", b"ab", b"abc"]
    assert {type(value) for value in block.values} == {bytes}


def test_blocks_of_text() -> None:
    described = description("U10")
    entries = [
        entry(0, dumps(np.array(["a", "bc"])), 2, described),
        entry(2, dumps(np.str_("d")), 1, described),
    ]
    (block,) = PointDecoder("c").decode(entries)
    assert block.values.tolist() == ["a", "bc", "d"]


def test_objects_are_kept_as_they_are() -> None:
    values = [None, {"a": [1]}, [1, 2], (), "x", 1, np.float64(2)]
    block = one_block(values, description(object))
    assert block.values.tolist() == values
    assert block.values.dtype == object
    listed = PointDecoder("c").decode([entry(0, dumps([[1], "x"]), 2, description(object))])
    assert listed[0].values.tolist() == [[1], "x"]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        (float, [1.5, 2, True], "f8"),
        (int, [1, 2], "i8"),
        (bool, [True, False], "?"),
        (np.float32, [True], "f4"),
        ("u2", [True], "u2"),
        (complex, [1, 1j], "c16"),
        (int, [2**63], "u8"),
        (int, [1.5], "f8"),
        ("f4", [[1.5, 2.5]], "f8"),
    ],
    ids=str,
)
def test_numbers_of_python_change_no_value(dtype: Any, values: list[Any], expected: str) -> None:
    block = one_block(values, description(dtype))
    assert block.values.dtype == np.dtype(expected)
    assert block.values.tolist() == values


def test_numbers_of_an_object_channel_are_objects() -> None:
    decoder = PointDecoder("c")
    entries = [entry(i, dumps(np.float64(i)), 1, description(object)) for i in range(6)]
    for read in (entries[:3], entries[3:]):
        (block,) = decoder.decode(read)
        assert block.values.dtype == object
        assert {type(value) for value in block.values} == {float}


def test_references_are_text() -> None:
    block = one_block(["session:scan", "session:other"], description(str, reference=True))
    assert block.values.tolist() == ["session:scan", "session:other"]


def test_entries_without_points_are_left_out() -> None:
    decoder = PointDecoder("c")
    status = [b"2-0", [b"__EVENT__", b"LIMAIMAGESTATUS", b"__STATUS__", dumps({"last_image_ready": 1})]]
    empty = entry(1, dumps(np.array([])), 0)
    first, second = entry(0, dumps(np.float64(1))), entry(1, dumps(np.float64(2)))
    (block,) = decoder.decode([first, status, empty, second])
    assert block.values.tolist() == [1, 2]
    assert decoder.decode([status]) == []
    assert decoder.decode([]) == []


def test_fields_may_come_in_any_order() -> None:
    entries = entries_of(np.arange(5.0), range(5))
    for one in entries:
        fields = one[1]
        one[1] = [*fields[6:], *fields[:6]]
    assert_block(PointDecoder("c").decode(entries)[0], 0, np.arange(5.0))


# What cannot be decoded.

GOOD = dumps(np.float64(1))
BAD = {
    "truncated": entry(3, GOOD[:-5]),
    "opaque": entry(3, b"cos\nsystem\n.", 1, description(object)),
    "opaque in an array": entry(3, pickle.dumps(np.array([os.mkdir], object), 4), 1, description(object)),
    "opaque dtype": entry(3, GOOD, 1, dumps({"dtype": 1, "shape": ()}).replace(b"K\x01", b"cos\nsystem\n")),
    "opaque description": entry(3, GOOD, 1, b"cos\nsystem\n."),
    "no shape": entry(3, GOOD, 1, dumps({"dtype": float, "shape": None})),
    "unknown dtype": entry(3, GOOD, 1, dumps({"dtype": "nonsense", "shape": ()})),
    "records": entry(3, GOOD, 1, dumps({"dtype": "f8,f8", "shape": ()})),
    "fewer points than announced": entry(3, dumps(np.arange(3.0)), 4),
    "more points than announced": entry(3, dumps(np.arange(3.0)), 2),
    "points of a scalar": entry(3, GOOD, 2),
    "ragged lists": entry(3, dumps([[1], [1, 2]]), 2),
    "a dict of points": entry(3, dumps({0: 1.0, 1: 2.0}), 2),
    "no number of points": [b"4-0", [*entry(3, GOOD)[1][:4], b"__NPOINTS__", b"x", b"__DATA__", GOOD]],
    "no data": [b"4-0", entry(3, GOOD)[1][:6]],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_cannot_be_decoded_is_one_error_that_keeps_what_came_before(bad: Entry) -> None:
    decoder = PointDecoder("session:scan:diode")
    good = entries_of(np.ones(3), range(3))
    with pytest.raises(Undecodable, match=r"^channel session:scan:diode cannot be decoded .+$") as caught:
        decoder.decode([*good, bad])
    assert "\n" not in str(caught.value)
    assert [block.values.tolist() for block in caught.value.decoded] == [[1, 1, 1]]
    with pytest.raises(Undecodable):
        decoder.decode([bad])
    assert decoder.decode(good)[0].values.tolist() == [1, 1, 1]


def test_an_id_that_is_no_index_is_an_error() -> None:
    decoder = PointDecoder("c")
    entries = entries_of(np.ones(3), range(3))
    for _ in range(2):
        with pytest.raises(Undecodable, match="an id"):
            decoder.decode([*entries, [b"x", entries[0][1]]])
        decoder.decode(entries)


# Any bytes.


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(result)))
        result[start : start + draw(st.sampled_from([0, 1, 1, 4]))] = draw(st.binary(max_size=4))
    return bytes(result)


def pickled_numbers() -> list[bytes]:
    values = [np.dtype(dtype).type(1) for dtype in NUMERIC] + [np.ones(3, dtype) for dtype in NUMERIC]
    values += [
        np.ones((2, 3)),
        np.ones((2, 1, 3, 1), "i2"),
        np.array(1.0),
        np.ones(300, "u1"),
        np.ones(70_000, "u1"),
    ]
    return [pickle.dumps(value, protocol) for value in values for protocol in (3, 4)] + [
        dumps(v) for v in values
    ]


def check_parse(data: bytes) -> None:
    """What the fast way accepts is what the unpickler reads."""
    layout = parse(data)
    if layout is not None:
        value = loads(data)
        assert value.shape == layout.shape
        assert value.dtype == layout.dtype.newbyteorder("=")
        content = np.frombuffer(data[layout.offset : layout.offset + layout.nbytes], layout.dtype)
        if layout.dtype.kind == "b":
            content = content.view("u1") != 0
        assert native(content).tobytes() == value.tobytes()


@pytest.mark.parametrize("data", pickled_numbers(), ids=lambda data: str(data[:4]))
def test_every_changed_byte_is_noticed_or_harmless(data: bytes) -> None:
    assert parse(data) is not None
    check_parse(data)
    for at in range(min(len(data), 250)):
        for byte in {0, 1, 2, 3, 255, ord("."), data[at] ^ 1, data[at] ^ 16}:
            check_parse(data[:at] + bytes([byte]) + data[at + 1 :])
        check_parse(data[:at] + data[at + 1 :])
        check_parse(data[:at])


@settings(max_examples=120, **RELAXED)
@given(st.sampled_from(pickled_numbers()).flatmap(changed))
def test_the_patterns_accept_only_what_the_unpickler_reads(data: bytes) -> None:
    check_parse(data)


def outcome(decoder: PointDecoder, entries: Sequence[Entry]) -> Any:
    try:
        blocks = decoder.decode(entries)
    except Undecodable as error:
        return error.why, [(b.start + i, repr(v)) for b in error.decoded for i, v in enumerate(b.values)]
    return [(b.start + i, b.values.dtype, repr(v)) for b in blocks for i, v in enumerate(b.values)]


def check_changed_entry(entries: list[Entry], at: int, field: int, data: bytes) -> None:
    """A warm decoder gives the same for a run with one changed entry as a decoder that knows nothing."""
    decoder = PointDecoder("c")
    decoder.decode(entries)
    fields = list(entries[at][1])
    fields[field] = data
    run = [*entries[:at], [entries[at][0], fields], *entries[at + 1 :]]
    one_by_one: Any = []
    try:
        for one in run:
            one_by_one += PointDecoder("c").decode([one])
        one_by_one = [
            (b.start + i, b.values.dtype, repr(v)) for b in one_by_one for i, v in enumerate(b.values)
        ]
    except Undecodable as error:
        one_by_one = error.why, [(b.start + i, repr(v)) for b in one_by_one for i, v in enumerate(b.values)]
    assert outcome(decoder, run) == one_by_one


@settings(max_examples=120, **RELAXED)
@given(st.data())
def test_one_changed_entry_among_many_is_noticed(data: st.DataObject) -> None:
    values = data.draw(
        st.sampled_from([np.arange(6.0), np.arange(6, dtype=">i2"), np.ones((6, 3)), np.ones((6, 200))])
    )
    entries = entries_of(values, data.draw(st.sampled_from([range(6), [2, 4]])))
    at, field = (
        data.draw(st.integers(0, len(entries) - 1)),
        data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 7, 7])),
    )
    check_changed_entry(entries, at, field, data.draw(changed(entries[at][1][field])))


@pytest.mark.parametrize("values", [np.ones(6), np.ones((6, 200))], ids=["narrow", "wide"])
def test_another_pickle_of_the_same_length_is_noticed(values: np.ndarray) -> None:
    entries = entries_of(values, range(6))
    good = entries[3][1][-1]
    check_changed_entry(entries, 3, 7, good.replace(b"\x02f8", b"\x02u8"))
    check_changed_entry(entries, 3, 7, good.replace(b"\x01<", b"\x01>"))
    check_changed_entry(entries, 3, 7, good[:-1] + b"0")
    check_changed_entry(entries, 3, 7, good[:-3] + b"0N.")
    check_changed_entry(entries, 3, 3, entries[3][1][3].replace(b"shape", b"shapE"))


def test_negative_lengths_are_no_pattern() -> None:
    data = pickle.dumps(np.ones((70_000, 2), "u1"), 4)
    assert parse(data) is not None
    length = b"J" + (70_000).to_bytes(4, "little", signed=True)
    assert data.count(length) == 1
    assert parse(data.replace(length, b"J" + (-70_000).to_bytes(4, "little", signed=True))) is None


# Descriptions.


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        *((float, "f8"), (int, "i8"), (bool, "?"), (complex, "c16"), (str, "O"), (object, "O"), (bytes, "O")),
        *((np.float32, "f4"), (np.dtype(">i4"), ">i4"), (">i4", ">i4"), ("U10", "U10"), ("float", "f8")),
    ],
)
def test_descriptions(declared: Any, expected: str) -> None:
    described = decode_description(entry(0, b"", 1, description(declared, (-1, 3), unit="mm")))
    assert described is not None
    assert described.dtype == np.dtype(expected)
    assert (described.shape, described.unit, described.reference) == ((-1, 3), "mm", False)


def test_an_entry_without_description() -> None:
    assert decode_description([b"1-0", [b"__EVENT__", b"LIMAIMAGESTATUS"]]) is None
    with pytest.raises(UndecodablePickle):
        decode_description(entry(0, b"", 1, b"nonsense"))


def decoded(decoder: PointDecoder, entries: Sequence[Entry]) -> Any:
    """Types, starts and bytes; None where they are undecodable."""
    try:
        blocks = decoder.decode(entries)
    except Undecodable:
        return None
    return [(block.start, block.values.dtype, block.values.tobytes()) for block in blocks]


def test_channels_that_share_what_they_met_decode_as_those_that_do_not() -> None:
    """Of a second channel, any byte differs from the first one's."""
    entries = entries_of(np.arange(2.0), [1])
    for field, value in enumerate(entries[0][1]):
        for at in range(len(value)):
            changed = entries_of(np.arange(2.0), [1])
            for one in changed:
                other = bytearray(one[1][field])
                other[at] ^= 1 + at % 255
                one[1][field] = bytes(other)
            kinds = KnownKinds()
            assert decoded(PointDecoder("first", kinds), entries) is not None
            assert decoded(PointDecoder("second", kinds), changed) == decoded(PointDecoder("c"), changed)


def test_few_of_the_kinds_that_channels_met_are_kept() -> None:
    kinds = KnownKinds()
    for length in range(1, 100):
        values = np.zeros((3, length))
        (block,) = PointDecoder("c", kinds).decode(entries_of(values, [1, 2]))
        assert_block(block, 0, values)
    assert len(kinds._rows) == MOST_KINDS
