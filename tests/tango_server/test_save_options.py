"""Save options as device properties: each changes what is in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis
import tango

from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanSpec,
    SessionPublisher,
    axis,
    sampling,
)
from tango_server.device import NexusWriter

from .servers import Database, serving, wait_until

SESSION = "options"
NAME = f"id00/bliss_nxwriter/{SESSION}"
MESH = {"npoints1": 3, "npoints2": 2, "data_dim": 2}
Save = Callable[..., tuple[h5py.File, tango.DeviceProxy]]


def grid_scan(dataset: DatasetPublisher, **fields: Any) -> str:
    """Six points over two motors of one master; its key."""
    motors = [ChannelSpec(name, np.float64, unit="mm") for name in ("x", "y")]
    chain = (axis(motors, DeviceSpec("simulation", (sampling("diode"),))),)
    with dataset.scan(ScanSpec("scan", chain, npoints=6, fields=fields)) as scan:
        scan.prepare()
        for channel in scan.channels.values():
            channel.publish(np.arange(6.0))
    return scan.key


@pytest.fixture(scope="module")
def device(database: Database) -> str:
    """Registered in the database, session-wide."""
    info = tango.DbDevInfo()
    info.server, info._class, info.name = "nexuswriter/options", "NexusWriter", NAME
    database.client().add_device(info)
    return NAME


@pytest.fixture
def save(
    database: Database, device: str, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> Iterator[Save]:
    """Saves a scan by a device with these properties: its file, and the device."""
    given: dict[str, Any] = {"session": SESSION, "redis_url": redis_url, "required_disk_space": 0}
    variables = {"TANGO_HOST": database.tango_host}
    opened: list[Any] = []
    with serving(tmp_path / "server", "options", variables=variables) as server:

        def run(
            fields: dict[str, Any] | None = None, **properties: Any
        ) -> tuple[h5py.File, tango.DeviceProxy]:
            proxy = database.proxy(device)
            proxy.put_property({name: [str(value)] for name, value in {**given, **properties}.items()})
            opened.append((proxy, properties))
            proxy.start()
            assert proxy.state() is tango.DevState.ON, proxy.status()
            dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
            key = grid_scan(dataset, **(fields or {}))
            wait_until(lambda: proxy.scan_exists(key), "known")
            wait_until(lambda: proxy.scan_state(key) is not tango.DevState.ON, "saved")
            assert proxy.scan_state(key) is tango.DevState.OFF, proxy.scan_state_reason(key)
            file = h5py.File(dataset.policy.filename)
            opened.append((file, None))
            return file, proxy

        yield run
        for item, properties in opened:
            if properties is None:
                item.close()
            else:
                item.delete_property(list(properties))
        assert server.end() == 0


def test_without_any(save: Save) -> None:
    file, device = save(MESH)
    assert list(file) == ["1.1"]
    assert file["1.1/measurement/diode"].shape == (6,)
    assert file["1.1/instrument"].keys() >= {"x", "y", "diode", "name"}
    assert list(device.scan_validation) == ["1_scan: "]


def test_keepshape(save: Save) -> None:
    file, _ = save(MESH, keepshape=True)
    assert file["1.1/measurement/diode"][()].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_multivalue_positioners(save: Save) -> None:
    file, _ = save(multivalue_positioners=True)
    assert set(file["1.1/instrument/axis"]) >= {"value", "y"}


def test_noconfig(save: Save) -> None:
    file, _ = save(noconfig=True)
    assert "name" not in file["1.1/instrument"]
    assert set(file["1.1/instrument/diode"]) == {"data"}


def test_entry_name(save: Save) -> None:
    file, device = save(entry_name="scan_{scan_nb:04d}_{subscan}")
    assert list(file) == ["scan_0001_1"]
    assert list(device.scan_uri("1_scan")) == [f"{file.filename}::/scan_0001_1"]


def test_a_settings_file_counts_where_there_is_no_property(save: Save, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("noconfig = true\nkeepshape = true\n")
    file, _ = save(MESH, settings_file=path, keepshape=False)
    assert file["1.1/measurement/diode"].shape == (6,)
    assert "name" not in file["1.1/instrument"]


def test_validation(save: Save) -> None:
    pytest.importorskip("nexusformat")
    _, device = save(validation=True)
    wait_until(lambda: "valid, " in device.scan_validation[0], "validated", 60)
    assert json.loads(device.scan_description("1_scan"))["validation"].startswith("valid, ")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"entry_name": "scan"}, "entry name 'scan' gives two entries one name"),
        ({"compression_scheme": "rar"}, "there is no compression scheme 'rar'"),
        ({"settings_file": "/no/such.toml"}, "settings_file: /no/such.toml cannot be read"),
    ],
)
def test_one_that_makes_no_sense_is_a_fault(save: Save, properties: dict[str, str], says: str) -> None:
    with pytest.raises(tango.DevFailed) as error:
        save(**properties)
    assert says in error.value.args[0].desc


def test_every_save_option_of_the_classic_writer_is_a_property() -> None:
    properties = {name for name in vars(NexusWriter) if not name.startswith("_")}
    assert properties >= {
        "keepshape",
        "multivalue_positioners",
        "enable_external_nonhdf5",
        "disable_external_hdf5",
        "copy_non_external",
        "noconfig",
        "stackmca",
        "required_disk_space",
        "recommended_disk_space",
    }
