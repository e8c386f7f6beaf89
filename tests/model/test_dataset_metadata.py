"""What a dataset has of its own and what it inherits."""

from __future__ import annotations

from nexus_writer.model import Scan

DATASET = {"__name__": "0001", "__frozen__": False, "startDate": 1, "Sample_description": "own"}
COLLECTION = {"__name__": "c", "Sample_name": "of the collection", "Sample_description": "other"}
PROPOSAL = {"Sample_name": "of the proposal", "Sample_support": "plate"}


def metadata(*parents: dict[str, object]) -> dict[str, object]:
    return dict(Scan.from_info({}, "s:1", parents=parents).dataset_metadata)


def test_the_nearer_wins() -> None:
    assert metadata(DATASET, COLLECTION, PROPOSAL) == {
        "startDate": 1,
        "Sample_description": "own",
        "Sample_name": "of the collection",
        "Sample_support": "plate",
    }


def test_a_frozen_dataset_inherits_nothing() -> None:
    assert metadata({**DATASET, "__frozen__": True}, COLLECTION) == {
        "startDate": 1,
        "Sample_description": "own",
    }


def test_an_empty_field_hides_nothing() -> None:
    assert metadata({"Sample_name": None}, COLLECTION)["Sample_name"] == "of the collection"


def test_without_a_dataset_there_is_nothing() -> None:
    assert metadata() == {}
