"""Cameras that we publish, as a reader of scans finds them."""

from __future__ import annotations

import numpy as np
import pytest
import redis

from nexus_writer.data.lima_saving import LimaSaving
from nexus_writer.data.lima_status import CameraProgress
from nexus_writer.data.publishing import (
    DeviceSpec,
    SavingSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    camera,
    timer,
)
from nexus_writer.data.scan_items import CameraPrepared, NodeAdded, ScanEnded, ScanItem, ScanPoints
from nexus_writer.data.scan_reader import ScanReader


@pytest.fixture
def scan(redis_client: redis.Redis) -> ScanPublisher:
    dataset = SessionPublisher(redis_client, "session").dataset("/data", "hg123", "sample")
    scan = dataset.scan(ScanSpec("loopscan", (timer(DeviceSpec("cam", (camera((4, 6), np.int32),))),)))
    scan.prepare()
    return scan


def items_of(client: redis.Redis, scan: ScanPublisher) -> list[ScanItem]:
    reader = ScanReader(client, scan.key)
    items: list[ScanItem] = []
    try:
        while not items or not isinstance(items[-1], ScanEnded):
            new = reader.read(timeout_s=5)
            assert new, "the scan has no end"
            items += new
    finally:
        reader.close()
    return items


def test_a_camera_says_where_it_saves_and_how_far_it_is(
    redis_client: redis.Redis, scan: ScanPublisher
) -> None:
    saving = SavingSpec("/data/scan0001", prefix="cam_", frames_per_file=3, first_number=4)
    scan.camera("cam:image").prepare(saving)
    scan.camera("cam:image").publish_status(ready=3, saved=2)
    scan.camera("cam:image").publish_status(ready=7, saved=5)
    scan.end()
    items = items_of(redis_client, scan)
    (node,) = [item for item in items if isinstance(item, NodeAdded) and item.node_type == "lima"]
    (prepared,) = [item for item in items if isinstance(item, CameraPrepared)]
    assert (node.name, prepared.key) == ("cam:image", node.key)
    assert (prepared.description["shape"], prepared.description["dtype"]) == ((4, 6), np.int32)
    found = LimaSaving.from_description(prepared.description)
    assert found is not None
    assert [(run.file, run.dataset, run.count) for run in found.runs(0, 4)] == [
        ("/data/scan0001/cam_0004.h5", "/entry_0000/ESRF-ID00/cam/data", 3),
        ("/data/scan0001/cam_0005.h5", "/entry_0000/ESRF-ID00/cam/data", 1),
    ]
    progress = CameraProgress()
    for item in items:
        if isinstance(item, ScanPoints):
            for key, entries in item.streams:
                if key == node.key:
                    progress.receive(entries)
    assert (progress.ready, progress.readable) == (7, 5)


def test_a_camera_that_does_not_save_says_so(redis_client: redis.Redis, scan: ScanPublisher) -> None:
    scan.camera("cam:image").prepare(None)
    scan.end()
    (prepared,) = [item for item in items_of(redis_client, scan) if isinstance(item, CameraPrepared)]
    assert LimaSaving.from_description(prepared.description) is None


def test_everything_of_a_camera_expires_with_the_data(redis_client: redis.Redis, scan: ScanPublisher) -> None:
    camera = scan.camera("cam:image")
    camera.prepare(SavingSpec("/data"))
    scan.end()
    for key in (f"{camera.key}_data_ref", f"{camera.key}_info", camera.server_url):
        assert redis_client.ttl(key) > 0
