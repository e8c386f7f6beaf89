"""A reader of a scan learns where a camera saves, whenever that is written."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
import redis

from nexus_writer.data.scan_items import CameraPrepared, NodeAdded, ScanEnded, ScanItem, ScanPoints
from nexus_writer.data.scan_reader import ScanReader

from .by_hand import HandPublisher

SAVING = {"saving_mode": "AUTO_FRAME", "saving_directory": "/data"}
STATUS = pickle.dumps({"last_image_ready": 0, "last_image_saved": 0}, 4)


@pytest.fixture
def by_hand(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def scan(by_hand: HandPublisher) -> str:
    return by_hand.scan()


@pytest.fixture
def reader(redis_client: redis.Redis, scan: str) -> Iterator[ScanReader]:
    reader = ScanReader(redis_client, scan)
    yield reader
    reader.close()


@pytest.fixture
def camera(by_hand: HandPublisher, scan: str) -> str:
    return by_hand.below(by_hand.below(scan, "cam", "None"), "image", "lima", {"shape": (2, 3)})


def prepare(client: redis.Redis, camera: str, saving: dict[str, str] | None = None) -> None:
    fields = {name: pickle.dumps(value, 4) for name, value in (saving or SAVING).items()}
    client.hset(f"{camera}_info", mapping=fields)


def publish_status(client: redis.Redis, camera: str) -> None:
    client.xadd(f"{camera}_data", {"__EVENT__": "LIMAIMAGESTATUS", "__STATUS__": STATUS})


def read_until(reader: ScanReader, kind: type[ScanItem]) -> list[ScanItem]:
    items: list[ScanItem] = []
    while not any(isinstance(item, kind) for item in items):
        new = reader.read(timeout_s=5)
        assert new, f"no {kind.__name__} within 5 s"
        items += new
    return items


def kinds(items: list[ScanItem]) -> list[str]:
    return [type(item).__name__ for item in items]


def test_a_camera_that_is_prepared_later_is_noticed_without_any_event(
    reader: ScanReader, redis_client: redis.Redis, camera: str
) -> None:
    assert "CameraPrepared" not in kinds(read_until(reader, NodeAdded))
    assert reader.read(timeout_s=0.3) == []
    prepare(redis_client, camera)
    prepared = read_until(reader, CameraPrepared)[-1]
    assert isinstance(prepared, CameraPrepared)
    assert prepared.key == camera
    assert prepared.description["saving_directory"] == "/data"
    assert prepared.description["shape"] == (2, 3)
    assert reader.read(timeout_s=0.3) == [], "told once"


def test_where_it_saves_comes_before_its_first_status(
    reader: ScanReader, redis_client: redis.Redis, camera: str
) -> None:
    read_until(reader, NodeAdded)
    reader.read(timeout_s=0)  # has just looked: no look is due
    prepare(redis_client, camera)
    publish_status(redis_client, camera)
    assert kinds(read_until(reader, ScanPoints)) == ["CameraPrepared", "ScanPoints"]


def test_a_scan_that_is_over_is_read_in_the_same_order(
    reader: ScanReader, redis_client: redis.Redis, by_hand: HandPublisher, scan: str, camera: str
) -> None:
    prepare(redis_client, camera)
    publish_status(redis_client, camera)
    by_hand.end(scan)
    items = read_until(reader, ScanEnded)
    assert kinds(items) == ["NodeAdded", "NodeAdded", "CameraPrepared", "ScanPoints", "ScanEnded"]


def test_a_camera_that_is_never_prepared_hinders_nothing(
    reader: ScanReader, by_hand: HandPublisher, redis_client: redis.Redis, scan: str, camera: str
) -> None:
    publish_status(redis_client, camera)
    by_hand.end(scan)
    assert kinds(read_until(reader, ScanEnded)) == ["NodeAdded", "NodeAdded", "ScanPoints", "ScanEnded"]


def test_the_first_preparation_in_the_list_has_the_last_word(
    reader: ScanReader, redis_client: redis.Redis, camera: str
) -> None:
    prepare(redis_client, camera, {**SAVING, "saving_prefix": "second_"})
    for prefix in ("first_", "second_"):
        redis_client.rpush(f"{camera}_data_ref", pickle.dumps({"saving_prefix": prefix}, 4))
    prepared = read_until(reader, CameraPrepared)[-1]
    assert isinstance(prepared, CameraPrepared)
    assert prepared.description["saving_prefix"] == "first_"
    assert prepared.description["saving_directory"] == "/data"
