"""The password of Redis: nothing that anybody can read has it, whether it is right or wrong."""

from __future__ import annotations

from pathlib import Path

import h5py
import tango

from nexus_writer.data.embedded import EmbeddedRedis
from tests.tls import AUTHORITY, tls_in_front_of

from .servers import Beamline, publish_points, serving, wait_until

SESSION = "hushed"
PASSWORD = "hush-0815"


def everything_said(device: tango.DeviceProxy) -> str:
    """All attributes and the status of a device, as text."""
    names = [info.name for info in device.attribute_list_query()]
    return "\n".join([device.status(), *(str(device.read_attribute(name).value) for name in names)])


def test_a_device_waits_for_the_right_password_and_never_tells_it(tmp_path: Path) -> None:
    """By TLS; the password comes by the environment, so that the list of processes does not show it."""
    with EmbeddedRedis(tmp_path / "redis") as redis_server, tls_in_front_of(redis_server.port) as port:
        owner = redis_server.client()
        owner.config_set("requirepass", "another one")
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/1?ssl_ca_certs={AUTHORITY}"
        options = ("--nodb", "--session", SESSION, "--log=debug", f"--logfile={tmp_path}/writer.log")
        variables = {"NEXUS_WRITER_REDIS_URL": url}
        with serving(tmp_path / "server", *options, variables=variables) as server:
            device = server.proxy()
            wait_until(lambda: "refuses us" in device.status(), "the password is refused")
            assert device.state() == tango.DevState.ON
            said = everything_said(device)
            owner.config_set("requirepass", PASSWORD)
            wait_until(lambda: "Start listening" in device.status(), "goes on by itself", 60)
            beamline = Beamline(
                f"redis://:{PASSWORD}@127.0.0.1:{redis_server.port}/1", SESSION, tmp_path / "data"
            )
            with beamline.scan() as scan:
                scan.prepare()
                publish_points(scan, 5)
            wait_until(lambda: device.scans_finished == 1, "saved")
            beamline.close()
            said += everything_said(device)
            command = Path(f"/proc/{server.process.pid}/cmdline").read_text()
            assert server.end() == 0
        with h5py.File(scan.filename) as file:
            assert file["1.1/measurement/diode1"].shape == (5,)
        logged = (tmp_path / "writer.log").read_text() + server.output
        assert "refuses us" in said
        assert "refuses us" in logged
        assert "rediss://:***@" in logged
        for text in (said, logged, command):
            assert PASSWORD not in text
        owner.close()
