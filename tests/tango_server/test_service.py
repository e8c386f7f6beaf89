"""The command line of the service, its mistakes, and its life."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
import tango

from nexus_writer import __version__
from nexus_writer.log_files import get_log_level, set_log_level, tear_down_logging
from tango_server.service import main

from .conftest import SESSION
from .servers import Beamline, Database, Server, free_port, publish_points, run_program, serving, wait_until

NODB = ("--nodb", "--session=s", "--redis=redis://127.0.0.1:1/1")


def refused(*arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and the one line that is said."""
    done = run_program("tango_server.service", *arguments, **variables)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of a wrong command line, in this process."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1), err
    return str(err)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"NexusWriterService {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give INSTANCE"),
        (("--nonsense", "x"), "--nonsense"),
        (("x", "--session=s"), "--session needs --nodb"),
        (("x", "--path-map=/a=/b"), "--path-map needs --nodb"),
        (("--nodb", "--redis=redis://h"), "--nodb needs --session"),
        (
            ("--nodb", "--session=s"),
            "--nodb needs --redis URL, or in the environment NEXUS_WRITER_REDIS_URL=URL",
        ),
        ((*NODB, "--session=a:b"), "'a:b' is no session name"),
        ((*NODB, "--session="), "'' is no session name"),
        ((*NODB, "--port=99999"), "'99999' is no port: give a number from 1 to 65535"),
        ((*NODB, "--filebackups=-1"), "'-1' is no number of files"),
        ((*NODB, "--port=many"), "--port"),
        ((*NODB, "--device=a/b"), "'a/b' is no device name"),
        ((*NODB, "--path-map=/a"), "'/a' is not FROM=TO"),
        (("--nodb", "--session=s", "--redis=nonsense"), "'nonsense' is not a Redis address"),
        ((*NODB, "--log=loud"), "'loud' is no log level"),
    ],
)
def test_wrong_command_lines_are_one_line_and_exit_code_2(
    arguments: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BEACON_HOST", "NEXUS_WRITER_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert said in mistake(capsys, *arguments)


def test_wrong_environment_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_WRITER_FLUSH_PERIOD_S", "soon")
    assert "flush_period_s" in mistake(capsys, *NODB)


@pytest.fixture
def ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[object, str]]]:
    """Run the program in this process, where it ends by itself: exit code, and the one line that it says."""
    thresholds, interval, level = gc.get_threshold(), sys.getswitchinterval(), get_log_level()

    def run(*arguments: str, tango_host: str | None = None) -> tuple[object, str]:
        monkeypatch.delenv("TANGO_HOST", raising=False)
        if tango_host is not None:
            monkeypatch.setenv("TANGO_HOST", tango_host)
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1), err
        return end.value.code, err

    yield run
    tear_down_logging()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)
    set_log_level(level)


Ends = Callable[..., tuple[object, str]]


NO_TANGORC = pytest.mark.skipif(
    Path("/etc/tangorc").exists(), reason="the tangorc of this machine names a Tango database"
)


@NO_TANGORC
def test_tango_host_missing(ends: Ends) -> None:
    code, line = ends("instance")
    assert code == 1
    assert "TANGO_HOST is not set: export TANGO_HOST=host:port" in line
    assert "--nodb" in line


@pytest.mark.parametrize("tango_host", ["nonsense", "host:port", "127.0.0.1:99999"])
def test_tango_host_nonsense(tango_host: str, ends: Ends) -> None:
    code, line = ends("instance", tango_host=tango_host)
    assert (code, f"TANGO_HOST={tango_host}" in line) == (1, True), line


def test_database_down(ends: Ends) -> None:
    code, line = ends("instance", tango_host=f"127.0.0.1:{free_port()}")
    assert code == 1
    assert "Connection refused" in line
    assert "--nodb" in line


def test_something_else_at_tango_host(ends: Ends) -> None:
    """A server that hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=hang_up, args=(other,), daemon=True).start()
        code, line = ends("instance", tango_host=f"127.0.0.1:{other.getsockname()[1]}")
    assert (code, "no Tango database answers" in line) == (1, True), line


def hang_up(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            listening.accept()[0].close()


def test_instance_that_is_not_registered(database: Database, ends: Ends) -> None:
    code, line = ends("nobody", tango_host=database.tango_host)
    assert code == 1
    assert "run RegisterNexusWriter SESSION --instance nobody" in line


def test_a_log_file_that_cannot_be_written(ends: Ends) -> None:
    code, line = ends(*NODB, "--logfile=/dev/null/x")
    assert (code, "cannot write the log file /dev/null/x" in line) == (1, True), line


@pytest.mark.parametrize(("path", "why"), [("/proc/x/y", "No such file"), ("/tmp", "it is a directory")])
def test_a_ready_file_that_cannot_be_made_is_said_before_anything_is_served(
    path: str, why: str, ends: Ends
) -> None:
    code, line = ends(*NODB, f"--ready-file={path}")
    assert code == 1
    assert f"--ready-file {path} cannot be made ({why}" in line


def test_port_taken(ends: Ends) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = ends(*NODB, f"--port={port}")
    assert (code, f"port {port} of 127.0.0.1 cannot be used" in line) == (1, True), line


@NO_TANGORC
def test_a_program_that_cannot_start_says_one_line_and_no_more() -> None:
    code, line = refused("instance")
    assert (code, "TANGO_HOST is not set" in line) == (1, True), line


def test_port_and_names_can_be_chosen(redis_url: str, tmp_path: Path) -> None:
    port = free_port()
    options = (
        "inst",
        "--nodb",
        "--session=s",
        f"--redis={redis_url}",
        f"--port={port}",
        "--device=id99/nx/one",
        "--log_tango=error",
    )
    with serving(tmp_path, *options) as server:
        address = f"tango://127.0.0.1:{port}/id99/nx/one#dbase=no"
        assert server.addresses == [address]
        assert address in server.output.splitlines()
        info = server.proxy().info()
        assert (info.dev_class, info.server_id) == ("NexusWriter", "nexuswriter/inst")
        assert server.proxy().tango_log_level == 4


def test_ready_means_ready(redis_url: str, tmp_path: Path) -> None:
    """Right after the ready file appears the device answers, at the first try."""
    with serving(tmp_path, "--nodb", "--session=s", "--redis", redis_url) as server:
        assert server.proxy().state() is tango.DevState.ON
        assert not list(tmp_path.glob(".ready*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finalises_what_runs(number: signal.Signals, server: Server, beamline: Beamline) -> None:
    with beamline.scan() as scan:
        wait_until(lambda: server.proxy().scan_exists(scan.key), "scan known")
        scan.prepare()
        publish_points(scan, 3)
        wait_until(lambda: server.proxy().points_written == 12, "points written")
        assert server.end(number) == 0
        assert not server.ready_file.exists()
        assert "Traceback" not in server.output
        assert "unforseen" not in server.output
        with h5py.File(scan.filename) as file:
            assert file["1.1/writer/status"][()] == b"FAILED"
            assert len(file["1.1/measurement/diode1"]) == 3


def test_ended_by_its_admin_device(redis_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--nodb", "--session=s", "--redis", redis_url) as server:
        tango.DeviceProxy(re.sub("/id00/.*#", "/dserver/nexuswriter/s#", server.addresses[0])).Kill()
        assert server.process.wait(60) == 0
        assert not re.search("Traceback|exception|ERROR", server.output)


def test_redis_away_at_the_start(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/1"
    with serving(tmp_path, "--nodb", "--session=s", "--redis", url) as server:
        device = server.proxy()
        wait_until(lambda: "Redis" in device.status(), "reason")
        assert device.state() is tango.DevState.ON
        assert "\n" not in device.status()
        assert server.end() == 0


@pytest.mark.usefixtures("beamline")
def test_logs_go_into_files(redis_url: str, tmp_path: Path) -> None:
    logs = (
        f"--logfile={tmp_path / 'all'}",
        f"--logfileerr={tmp_path / 'err'}",
        "--nologstdout",
        "--log=debug",
    )
    with serving(tmp_path / "s", "--nodb", "--session", SESSION, "--redis", redis_url, *logs) as server:
        wait_until(lambda: "Start listening" in (tmp_path / "all").read_text(), "log line")
        assert server.end() == 0
    assert (tmp_path / "err").read_text() == ""
    assert server.output.splitlines() == server.addresses


def register(
    database: Database, instance: str, *sessions: str, redis_url: str, **more: list[str]
) -> list[str]:
    """Devices of one server, by the database's client."""
    names = []
    client = database.client()
    for session in sessions:
        info = tango.DbDevInfo()
        info.server, info._class = f"nexuswriter/{instance}", "NexusWriter"
        info.name = f"id00/bliss_nxwriter/{session}"
        client.add_device(info)
        client.put_device_property(info.name, {"session": [session], "redis_url": [redis_url], **more})
        names.append(info.name)
    return names


def test_several_devices_in_one_server(database: Database, redis_url: str, tmp_path: Path) -> None:
    sessions = [f"session{i}" for i in range(3)]
    names = register(database, "several", *sessions, redis_url=redis_url)
    beamlines = [Beamline(redis_url, session, tmp_path / session) for session in sessions]
    variables = {"TANGO_HOST": database.tango_host}
    with serving(tmp_path / "server", "several", variables=variables) as server:
        assert server.addresses == names
        devices = [database.proxy(name) for name in names]
        scans = [beamline.scan() for beamline in beamlines]
        for device, scan in zip(devices, scans, strict=True):
            wait_until(lambda d=device, s=scan: d.scan_exists(s.key), "scan known")
        for scan in scans:
            scan.prepare()
        for count in range(1, 4):
            for scan in scans:
                publish_points(scan, count)
        for scan in scans:
            scan.end()
        for device, scan in zip(devices, scans, strict=True):
            wait_until(lambda d=device, s=scan: d.scan_state(s.key) is tango.DevState.OFF, "scan saved")
            [description] = json.loads(device.scans_description)
            assert description["session"] in sessions
            assert device.points_written == 6 * 4
            assert list(device.scan_names) == [scan.name]
        again = run_program("tango_server.service", "several", **variables)
        assert again.returncode == 1
        assert "nexuswriter/several runs already" in again.stderr
        assert server.end() == 0
    for beamline in beamlines:
        beamline.close()


def test_properties_come_from_the_database(database: Database, redis_url: str, tmp_path: Path) -> None:
    """A wrong one is a fault that says so; corrected, 'start' makes up for it."""
    [name] = register(database, "props", "props", redis_url=redis_url, path_map=["/a=/b", "nonsense"])
    with serving(tmp_path / "server", "props", variables={"TANGO_HOST": database.tango_host}):
        device = database.proxy(name)
        assert device.state() is tango.DevState.FAULT
        assert "'nonsense' is not FROM=TO" in device.status()
        assert "call 'start'" in device.status()
        target = tmp_path / "mapped"
        device.put_property({"path_map": ["/a=/b", f"/nowhere/data={target}"], "required_disk_space": ["0"]})
        device.start()
        assert device.state() is tango.DevState.ON
        device.makedirs("/nowhere/data/visitor")
        assert (target / "visitor").is_dir()
        device.put_property({"path_map": ["/nowhere=/tmp", "x"]})
        with pytest.raises(tango.DevFailed, match="'x' is not FROM=TO"):
            device.start()


def test_session_property_missing(database: Database, redis_url: str, tmp_path: Path) -> None:
    [name] = register(database, "nosession", "nosession", redis_url=redis_url)
    database.client().delete_device_property(name, "session")
    with serving(tmp_path / "server", "nosession", variables={"TANGO_HOST": database.tango_host}):
        device = database.proxy(name)
        assert device.state() is tango.DevState.FAULT
        assert "property 'session' is missing: run RegisterNexusWriter" in device.status()
        device.put_property({"session": ["nosession"]})
        device.start()
        assert device.state() is tango.DevState.ON
