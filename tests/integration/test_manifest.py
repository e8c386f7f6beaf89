"""Whoever changes a byte of what was written is found out, by ``verify`` and by ten lines of Python."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from tests.cli.test_app import run
from tests.manifests import assert_as_written, blocks_that_differ
from tests.serve_process import entry_is_final, serving, wait_until

POINTS = 40_000
DEVICE = DeviceSpec(
    "ctl",
    (
        ChannelSpec("diode", np.float64),
        ChannelSpec("text", str),
        ChannelSpec("spectrum", np.dtype(">u4"), (64,)),
        ChannelSpec("ragged", np.float32, (-1,)),
        ChannelSpec("flag", np.bool_),
        ChannelSpec("late", np.int16, (3,)),
    ),
)


@pytest.fixture
def path(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> Path:
    """A complete scan, compressed and not, padded and not; of ``late`` points 100 to 199 never came."""
    chance = np.random.default_rng(1)
    dataset = SessionPublisher(redis_client, "v").dataset(tmp_path / "data", "hg123", "sample")
    with serving("v", redis_url, tmp_path / "writer"):
        with dataset.scan(ScanSpec("loopscan", (timer(DEVICE),), npoints=POINTS)) as scan:
            scan.prepare()
            for start in range(0, POINTS, 8000):
                scan["ctl:diode"].publish(np.arange(start, start + 8000.0))
                spectra = chance.integers(0, 9, (8000, 64), dtype=np.uint32)
                scan["ctl:spectrum"].publish(spectra.astype(">u4"))
            scan["ctl:text"].publish(np.array([f"é{number}" for number in range(300)], dtype=object))
            scan["ctl:flag"].publish(np.arange(300) % 3 == 0)
            for width in (2, 5, 3):
                scan["ctl:ragged"].publish(chance.random((100, width), dtype=np.float32))
            scan["ctl:late"].publish(np.ones((100, 3), np.int16))
            scan.flush()
            key = f"{scan['ctl:late'].key}_data"
            fields = redis_client.xrange(key, count=1)[0][1]
            redis_client.xadd(key, fields, id="201-0")
        path = dataset.policy.filename
        wait_until(lambda: entry_is_final(path, "1.1"), "saved")
    return path


def flip(path: Path, name: str, point: int) -> None:
    """One bit of ``point`` on the disk, or of its chunk when that is compressed."""
    with h5py.File(path) as file:
        dataset = file[f"1.1/{name}"]
        rows = dataset.chunks[0]
        chunk = dataset.id.get_chunk_info_by_coord((point // rows * rows, *(0,) * (dataset.ndim - 1)))
        offset = chunk.byte_offset + chunk.size // 2
        if not dataset.compression:
            offset = chunk.byte_offset + chunk.size // rows * (point % rows)
    change_byte(path, offset)


def change_byte(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        old = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([old ^ 1]))


def verified(path: Path, *, problems: int) -> str:
    result = run("verify", str(path))
    assert result.returncode == 1
    assert result.stdout.count("  ! ") == problems, result.stdout
    return result.stdout


def test_whatever_changes_is_named(path: Path, tmp_path: Path) -> None:
    with h5py.File(path) as file:
        assert_as_written(file["1.1"])
        manifest: Any = file["1.1/writer/manifest"]
        rows = dict(zip(manifest["dataset"].asstr()[()], manifest["points"][()].tolist(), strict=True))
        assert rows["instrument/diode/data"] == POINTS
        assert rows["instrument/late/data"] == 300
        assert rows["instrument/ragged/data_mask"] == 300
        assert manifest["sha256"].shape[0] == 3 + 1 + 10 + 1 + 1 + 1 + 1
    only_the_gap = verified(path, problems=1)
    assert "ctl:late: points 100 to 199 never came" in only_the_gap
    for harm in (flip_bits, damage_chunks, change_datasets, damage_manifest):
        harm(Path(shutil.copy(path, tmp_path / "harmed.h5")))


def flip_bits(path: Path) -> None:
    flip(path, "instrument/diode/data", 20_000)
    flip(path, "instrument/flag/data", 0)
    data = path.read_bytes()
    assert data.count("é123".encode()) == 1
    change_byte(path, data.index("é123".encode()) + 3)
    with h5py.File(path) as file:
        assert set(blocks_that_differ(file["1.1"])) == {
            ("instrument/diode/data", 16384, 32767),
            ("instrument/flag/data", 0, 299),
            ("instrument/text/data", 0, 299),
        }
    says = verified(path, problems=4)
    assert "/1.1/instrument/diode/data: points 16384 to 32767 differ from the manifest" in says
    assert "/1.1/instrument/flag/data: points 0 to 299 differ from the manifest" in says
    assert "/1.1/instrument/text/data: points 0 to 299 differ from the manifest" in says


def damage_chunks(path: Path) -> None:
    """Compressed: what cannot be unpacked."""
    flip(path, "instrument/spectrum/data", 20_000)
    flip(path, "instrument/ragged/data_mask", 3)
    says = verified(path, problems=4)  # the last point of the mask is tried before
    assert "/1.1/instrument/ragged/data_mask: points 0 to 299 cannot be read: " in says
    found = re.search(r"/1.1/instrument/spectrum/data: points (\d+) to (\d+) cannot be read: ", says)
    assert found is not None
    first, last = int(found[1]), int(found[2])
    assert first <= 20_000 <= last
    assert last - first < POINTS // 2


def change_datasets(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["1.1/instrument/ragged/data"][299, 1] = 0.5
        file["1.1/instrument/spectrum/data"].resize((POINTS, 63))
        file["1.1/instrument/flag/data"].resize((299,))
        del file["1.1/instrument/text/data"]
    result = run("verify", str(path)).stdout
    assert "ragged/data: points 0 to 299 differ from the manifest" in result
    assert "spectrum/data: its points had 64 values, its shape is (40000, 63)" in result
    assert "flag/data: it had 300 points, its shape is (299,)" in result
    assert "text/data: it had 300 points, and there is no dataset" in result


def damage_manifest(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["1.1/writer/manifest/block"][:] = 0
    assert "its manifest makes no sense" in verified(path, problems=2)
