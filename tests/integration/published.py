"""A scan, published and saved by a writer in this process, from the first sign to the complete file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, ScanSpec
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter, WriterOptions


def save_scan(
    redis_url: str,
    dataset: DatasetPublisher,
    spec: ScanSpec,
    publish: Callable[[ScanPublisher], None],
    **options: Any,
) -> FinishedScan:
    """Publish a scan, whose points ``publish`` gives once it is prepared; the scan, when it is done."""
    settings = WriterOptions(required_disk_space=0, **options)
    writer = NexusSessionWriter(dataset.session.name, settings, redis_url=redis_url)
    writer.start(wait=True, timeout=60)
    with dataset.scan(spec) as scan:
        scan.prepare()
        publish(scan)
    with gevent.Timeout(20, AssertionError("not saved in time")):
        while not any(found.done() and found.key == scan.key for found in writer.scans()):
            gevent.sleep(0.01)
    (found,) = (one for one in writer.scans() if one.key == scan.key)
    assert isinstance(found, FinishedScan)
    assert writer.shut_down(10)
    return found
