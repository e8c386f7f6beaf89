"""Events."""

import pickle

import pytest

from nexus_writer.data.events import Event, EventData, EventType
from nexus_writer.data.nodes import get_session_node


def test_types_are_reached_from_any_of_them() -> None:
    event = Event(EventType.NEW_NODE, get_session_node("session"), None)
    assert event.type.END_SCAN is EventType.END_SCAN
    assert event.type != event.type.END_SCAN
    assert [kind.value for kind in EventType] == [1, 2, 3, 4]


def test_an_event_is_a_tuple_of_type_node_and_data() -> None:
    node = get_session_node("session")
    kind, its_node, data = Event(EventType.NEW_NODE, node, None)
    assert (kind, its_node, data) == (EventType.NEW_NODE, node, None)


def test_event_data_has_the_defaults_of_the_reference() -> None:
    assert EventData() == EventData(first_index=-1, data=None, description=None, block_size=0)


def test_event_data_survives_pickle() -> None:
    data = EventData(3, [1, 2], {"unit": "s"}, 2)
    assert pickle.loads(pickle.dumps(data)) == data


def test_event_data_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        EventData().first_index = 1  # type: ignore[misc]
