"""A writer with roots makes nothing elsewhere, whatever a scan says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nexus_writer.data.publishing import DatasetPublisher, ScanSpec, timer
from nexus_writer.subscribers import BadOptions, NexusSessionWriter, SubscriberState, read_options
from tests.session_scans import COUNTERS, finished, run_scan, saved

Maker = Callable[..., NexusSessionWriter]


def listing(path: Path) -> set[Path]:
    return set(path.rglob("*"))


@pytest.mark.parametrize(
    "filename", ["{tmp}/elsewhere/a.h5", "{tmp}/root/../elsewhere/a.h5", "{tmp}/root/out/a.h5"]
)
def test_scan_that_leads_out_is_refused(
    writer_with: Maker, sample: DatasetPublisher, tmp_path: Path, filename: str
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path / "outside")
    before = listing(tmp_path)
    writer = writer_with(roots=(str(tmp_path / "root"),))
    spec = ScanSpec("loopscan", (timer(COUNTERS),), npoints=1)
    with sample.scan(spec, filename=filename.format(tmp=tmp_path)) as scan:
        scan.prepare()
    refused = finished(writer, scan.key)
    assert refused.state is SubscriberState.FAULT
    assert "is not below" in refused.reason
    assert "\n" not in refused.reason
    assert listing(tmp_path) == before


def test_scan_below_is_saved(writer_with: Maker, sample: DatasetPublisher, tmp_path: Path) -> None:
    writer = writer_with(roots=("/nowhere", str(tmp_path)))
    assert saved(writer, run_scan(sample).key).uris == [f"{sample.policy.filename}::/1.1"]


def test_masters_elsewhere_are_left_out(writer_with: Maker, sample: DatasetPublisher) -> None:
    directory = sample.policy.filename.parent
    writer = writer_with(roots=(str(directory),))
    saved(writer, run_scan(sample).key)
    assert list(directory.parent.parent.rglob("*.h5")) == [sample.policy.filename]


def test_root_that_is_none_is_refused() -> None:
    with pytest.raises(BadOptions, match="root 'data' is no absolute directory"):
        read_options({"roots": ("/data", "data")})
