import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import LiveFile
from nexus_writer.hdf5.places import Places

NBYTES = 8000


def chunked(live: LiveFile, name: str, chunks: int) -> tuple[h5py.Dataset, list[int]]:
    """A dataset of that many chunks of NBYTES, and their addresses."""
    dataset = live.root.create_dataset(name, data=np.zeros(chunks * 1000), chunks=(1000,), maxshape=(None,))
    return dataset, [dataset.id.get_chunk_info(i).byte_offset for i in range(chunks)]


@pytest.mark.parametrize("chunks", [1, 16])
def test_freed_places_are_occupied_exactly(live: LiveFile, chunks: int) -> None:
    """Also when they were the end of the file."""
    places = Places()
    dataset, addresses = chunked(live, "x", chunks)
    places.keep_from_end(dataset.id, NBYTES)
    dataset.resize((0,))
    assert places.occupy(dataset.id, addresses, NBYTES)
    assert sorted(places.give_all_back()) == sorted((address, NBYTES) for address in addresses)


def test_other_free_places_of_that_size_are_passed_over(live: LiveFile) -> None:
    places = Places()
    first, _ = chunked(live, "first", 3)
    second, addresses = chunked(live, "second", 3)
    places.keep_from_end(second.id, NBYTES)
    first.resize((0,))
    second.resize((0,))
    assert places.occupy(second.id, addresses, NBYTES)
    assert 3 <= len(places) <= 6


def test_only_places_of_before_the_last_flush_are_given_back(live: LiveFile) -> None:
    places = Places()
    dataset, addresses = chunked(live, "x", 2)
    places.keep_from_end(dataset.id, NBYTES)
    dataset.resize((0,))
    places.occupy(dataset.id, addresses, NBYTES)
    places.give_back(NBYTES, 2)
    assert len(places) == 2
    places.flushed()
    places.give_back(NBYTES + 1, 1)
    assert len(places) == 2
    places.give_back(NBYTES, 1)
    assert len(places) == 1
    _, again = chunked(live, "y", 1)
    assert again[0] in addresses


def test_a_place_that_is_in_use_cannot_be_had(live: LiveFile) -> None:
    places = Places()
    dataset, addresses = chunked(live, "x", 1)
    assert not places.occupy(dataset.id, addresses, NBYTES)
