"""What was decoded of infos, and is not decoded again."""

from __future__ import annotations

from typing import Any

from nexus_writer.data.info import RawInfo
from nexus_writer.data.info_memory import OVERHEAD_BYTES, InfoMemory
from nexus_writer.data.pickles import dumps

CHAIN = {"timer": {"devices": [f"{number}:device" for number in range(20)]}}


def raw(**fields: Any) -> RawInfo:
    return RawInfo({name.encode(): dumps(value) for name, value in fields.items()})


def test_what_has_not_changed_is_the_same_object() -> None:
    memory = InfoMemory()
    start, end = raw(chain=CHAIN, state="RUNNING"), raw(chain=CHAIN, state="DONE", end=1.5)
    first, last = memory.decode(start), memory.decode(end)
    assert first == start.decode()
    assert last == end.decode()
    assert last["chain"] is first["chain"]


def test_what_has_changed_is_decoded_anew() -> None:
    memory = InfoMemory()
    memory.decode(raw(chain=CHAIN))
    other = CHAIN | {"monitor": {"devices": []}}
    assert memory.decode(raw(chain=other)) == {"chain": other}


def test_a_field_is_not_taken_for_one_of_another_name() -> None:
    broken = b"not a pickle" * 10
    memory = InfoMemory()
    found = memory.decode(RawInfo({b"a": broken, b"b": broken}))
    assert [repr(found[name]) for name in "ab"] == [
        repr(RawInfo({name.encode(): broken}).decode()[name]) for name in "ab"
    ]


def test_what_was_used_last_is_kept_as_far_as_there_is_room() -> None:
    one, two, three = ([number] * 100 for number in range(3))
    room = len(dumps(one)) + len(dumps(two)) + 2 * OVERHEAD_BYTES
    memory = InfoMemory(room)
    first = memory.decode(raw(a=one))["a"]
    second = memory.decode(raw(a=two))["a"]
    assert memory.decode(raw(a=one))["a"] is first
    memory.decode(raw(a=three))
    assert memory.decode(raw(a=one))["a"] is first
    assert memory.decode(raw(a=two))["a"] is not second
    assert memory.decode(raw(a=[1] * 1000)) == {"a": [1] * 1000}


def test_small_fields_count_for_more_than_their_bytes() -> None:
    """What the memory keeps of each is larger."""
    memory = InfoMemory(10 * OVERHEAD_BYTES)
    kept = memory.decode(raw(a=[1]))["a"]
    assert memory.decode(raw(a=[1]))["a"] is kept
    memory.decode(raw(**{f"b{number}": number for number in range(10)}))
    assert memory.decode(raw(a=[1]))["a"] is not kept
