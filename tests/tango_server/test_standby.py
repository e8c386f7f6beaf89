"""The device answers for scans that a standby saves."""

from __future__ import annotations

import json
from pathlib import Path

import tango

from tests.serve_process import serving as standby_serving

from .conftest import SESSION
from .servers import Beamline, publish_points, serving, wait_until

OPTIONS = ("--standby", "--required-disk-space", "0", "--flush-period-s", "0.05")


def test_a_device_that_comes_back_answers_for_what_a_standby_saves(
    redis_url: str, beamline: Beamline, tmp_path: Path
) -> None:
    device_options = ("--nodb", "--session", SESSION, "--redis", redis_url)
    with standby_serving(SESSION, redis_url, tmp_path / "standby", *OPTIONS) as standby:
        scan = beamline.scan()
        scan.prepare()
        publish_points(scan, 3)
        wait_until(lambda: Path(scan.filename).exists(), "the standby has it")
        with serving(tmp_path / "device", *device_options) as server:
            device = server.proxy()
            name = scan.key.rpartition(":")[2]
            wait_until(lambda: device.scan_exists(name), "known")
            wait_until(lambda: device.scan_state(name) == tango.DevState.ON, "heard of")
            wait_until(lambda: list(device.scan_progress) == [f"{name}: 3pts-3pts"], "points")
            description = json.loads(device.scan_description(scan.key))
            assert description["written_by"].endswith(f"(pid {standby.process.pid})")
            assert list(device.scan_uri(name)) == [f"{scan.filename}::/1.1"]
            assert device.scan_has_write_permissions(name)
            assert device.scan_disk_space_error(name) == ""
            assert device.scans_running == 1
            assert list(device.scan_names) == [name]
            assert device.state() == tango.DevState.ON
            device.stop_scan(name)
            wait_until(lambda: device.scan_state(name) == tango.DevState.FAULT, "stopped")
            assert "on request" in device.scan_state_reason(name)
            scan.end()
            later = beamline.scan()
            wait_until(lambda: device.scan_exists(later.key), "the next one")
            later.prepare()
            publish_points(later, 5)
            later.end()
            wait_until(lambda: device.scan_state(later.key) == tango.DevState.OFF, "saved")
            assert json.loads(device.scan_description(later.key))["written_by"].endswith(
                f"(pid {server.process.pid})"
            )
