"""The device as BLISS and operators see it: a real server, a real client, scans published as BLISS does."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import h5py
import pytest
import redis
import tango
from tango import CmdArgType, DevState

from nexus_writer.data.recording import Recording, replay
from tests.waiting import allowed_s

from .conftest import SESSION
from .servers import Beamline, Server, publish_points, serving, wait_until

LISTENS = "Start listening to Redis events"
VOID, TEXT, TEXTS = CmdArgType.DevVoid, CmdArgType.DevString, CmdArgType.DevVarStringArray
FLAG, STATE = CmdArgType.DevBoolean, CmdArgType.DevState
CLASSIC_COMMANDS = {
    "Init": (VOID, VOID),
    "State": (VOID, STATE),
    "Status": (VOID, TEXT),
    "kill_scan": (TEXT, VOID),
    "makedirs": (TEXT, VOID),
    "purge_scans": (VOID, VOID),
    "scan_disk_space_error": (TEXT, TEXT),
    "scan_disk_space_warning": (TEXT, TEXT),
    "scan_exists": (TEXT, FLAG),
    "scan_has_required_disk_space": (TEXT, FLAG),
    "scan_has_write_permissions": (TEXT, FLAG),
    "scan_state": (TEXT, STATE),
    "scan_state_reason": (TEXT, TEXT),
    "scan_uri": (TEXT, TEXTS),
    "start": (VOID, VOID),
    "stop": (VOID, VOID),
    "stop_scan": (TEXT, VOID),
}
LEVELS = ["NOTSET", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
PROFILES = ["OFF", *(f"{kind}{lines}" for kind in ("CPU", "WALL", "MEM") for lines in (30, 50, 100))]
CLASSIC_SETTINGS = {"resource_profiling": PROFILES, "writer_log_level": LEVELS, "tango_log_level": LEVELS}
CLASSIC_TEXTS = {
    *("scan_uris", "scan_names", "scan_start", "scan_end", "scan_info", "scan_duration", "scan_progress"),
    "scan_states_info",
}
NUMBERS = {
    "scans_running": (CmdArgType.DevLong64, "scans"),
    "scans_finished": (CmdArgType.DevLong64, "scans"),
    "scans_failed": (CmdArgType.DevLong64, "scans"),
    "points_written": (CmdArgType.DevLong64, "points"),
    "bytes_written": (CmdArgType.DevLong64, "bytes"),
    "points_per_second": (CmdArgType.DevDouble, "points/s"),
    "lag_seconds": (CmdArgType.DevDouble, "s"),
    "lag_entries": (CmdArgType.DevLong64, "entries"),
    "lag_fill": (CmdArgType.DevDouble, ""),
    "queue_fill": (CmdArgType.DevDouble, ""),
    "free_disk_space": (CmdArgType.DevDouble, "MB"),
}
OF_ONE_SCAN = (
    *("scan_state", "scan_state_reason", "scan_uri", "scan_description", "scan_has_write_permissions"),
    *(
        "scan_has_required_disk_space",
        "scan_disk_space_error",
        "scan_disk_space_warning",
        "stop_scan",
        "kill_scan",
    ),
)


def known(device: tango.DeviceProxy, scan: Any) -> None:
    wait_until(lambda: device.scan_exists(scan.key), f"{scan.name} known")


def saved(device: tango.DeviceProxy, scan: Any) -> None:
    wait_until(lambda: device.scan_state(scan.key) is not DevState.ON, f"{scan.name} saved")


def save_one(device: tango.DeviceProxy, beamline: Beamline, dataset: str = "0001", points: int = 5) -> Any:
    """A scan from its announcement to its complete file."""
    with beamline.scan(dataset) as scan:
        known(device, scan)
        scan.prepare()
        publish_points(scan, points)
    saved(device, scan)
    return scan


def state_of(device: tango.DeviceProxy) -> DevState:
    """UNKNOWN while the device cannot be reached."""
    try:
        return device.state()
    except tango.DevFailed:
        return DevState.UNKNOWN


def first_error(call: Any, *arguments: Any) -> tuple[str, str]:
    """Reason and description that a client reads first."""
    with pytest.raises(tango.DevFailed) as error:
        call(*arguments)
    return error.value.args[0].reason, error.value.args[0].desc


class TestInterface:
    """Names, types and dimensions: what a client of the classic device finds, and more."""

    def test_class(self, idle_device: tango.DeviceProxy) -> None:
        assert idle_device.info().dev_class == "NexusWriter"

    def test_commands(self, idle_device: tango.DeviceProxy) -> None:
        commands = {info.cmd_name: info for info in idle_device.command_list_query()}
        found = {name: (info.in_type, info.out_type) for name, info in commands.items()}
        assert found == CLASSIC_COMMANDS | {"scan_description": (TEXT, TEXT)}
        assert all(info.disp_level is tango.DispLevel.OPERATOR for info in commands.values())

    def test_settings(self, idle_device: tango.DeviceProxy) -> None:
        for name, labels in CLASSIC_SETTINGS.items():
            info = idle_device.get_attribute_config(name)
            assert (info.data_type, info.data_format) == (CmdArgType.DevEnum, tango.AttrDataFormat.SCALAR)
            assert (info.writable, list(info.enum_labels)) == (tango.AttrWriteType.READ_WRITE, labels)

    def test_spectra(self, idle_device: tango.DeviceProxy) -> None:
        for name in (*CLASSIC_TEXTS, "scan_states"):
            info = idle_device.get_attribute_config(name)
            assert info.data_type == (STATE if name == "scan_states" else TEXT)
            assert info.data_format is tango.AttrDataFormat.SPECTRUM
            assert (info.max_dim_x, info.writable) == (10000, tango.AttrWriteType.READ)

    def test_numbers(self, idle_device: tango.DeviceProxy) -> None:
        for name, (data_type, unit) in NUMBERS.items():
            info = idle_device.get_attribute_config(name)
            assert (info.data_type, info.data_format) == (data_type, tango.AttrDataFormat.SCALAR), name
            assert (info.unit, info.writable) == (unit, tango.AttrWriteType.READ), name

    def test_nothing_else(self, idle_device: tango.DeviceProxy) -> None:
        names = {
            "State",
            "Status",
            "scan_states",
            "scans_description",
            "scan_validation",
            *CLASSIC_SETTINGS,
            *CLASSIC_TEXTS,
            *NUMBERS,
        }
        assert set(idle_device.get_attribute_list()) == names

    def test_everything_is_described(self, idle_device: tango.DeviceProxy) -> None:
        for info in idle_device.attribute_list_query():
            if info.name not in ("State", "Status"):
                assert info.description not in ("", "No description"), info.name

    def test_values_without_scans(self, idle_device: tango.DeviceProxy) -> None:
        for name in (*CLASSIC_TEXTS, "scan_states"):
            assert list(getattr(idle_device, name) or ()) == [], name
        assert idle_device.scans_description == "[]"
        assert idle_device.scans_running == idle_device.points_written == 0
        assert idle_device.read_attribute("free_disk_space").quality is tango.AttrQuality.ATTR_INVALID
        assert (
            idle_device.resource_profiling,
            idle_device.writer_log_level,
            idle_device.tango_log_level,
        ) == (0, 2, 2)


class TestSession:
    """States of the session, and how it is stopped and started."""

    @pytest.mark.usefixtures("beamline")
    def test_on_off_on(self, device: tango.DeviceProxy) -> None:
        wait_until(lambda: device.status() == LISTENS, "listening")
        assert device.state() is DevState.ON
        device.stop()
        assert device.state() is DevState.OFF
        device.stop()
        device.start()
        assert device.state() is DevState.ON

    def test_running_while_a_scan_is_saved(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        with beamline.scan() as scan:
            known(device, scan)
            scan.prepare()
            assert device.state() is DevState.RUNNING
            assert device.status() == LISTENS
        saved(device, scan)
        assert device.state() is DevState.ON

    @pytest.mark.parametrize("command", ["stop", "Init"])
    def test_not_stopped_while_a_scan_is_saved(
        self, command: str, device: tango.DeviceProxy, beamline: Beamline
    ) -> None:
        with beamline.scan() as scan:
            known(device, scan)
            scan.prepare()
            reason, text = first_error(getattr(device, command))
            assert reason == "PyDs_PythonError"
            assert text.startswith("RuntimeError: Cannot stop session writer when scans are running")
            assert scan.name in text
            assert device.state() is DevState.RUNNING
            publish_points(scan, 5)
        wait_until(lambda: device.state() is DevState.ON, "scan saved")
        assert device.scan_state(scan.key) is DevState.OFF
        getattr(device, command)()

    def test_scans_of_a_stopped_session_are_saved_when_it_starts(
        self, device: tango.DeviceProxy, beamline: Beamline
    ) -> None:
        before = save_one(device, beamline, "before")
        device.stop()
        with beamline.scan("between") as between:
            between.prepare()
        device.start()
        wait_until(lambda: device.status() == LISTENS, "listening")
        after = save_one(device, beamline, "after")
        wait_until(lambda: device.scans_finished == 3, "all saved")
        assert all(device.scan_exists(scan.key) for scan in (before, between, after))

    def test_init_begins_anew(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        scan = save_one(device, beamline)
        device.Init()
        wait_until(lambda: device.status() == LISTENS, "listening")
        assert not device.scan_exists(scan.key)
        assert save_one(device, beamline, "again")

    def test_device_restart_finalises_and_goes_on(self, server: Server, beamline: Beamline) -> None:
        device = server.proxy()
        admin = tango.DeviceProxy(
            re.sub(r"/id00/.*#", "/dserver/nexuswriter/demo_session#", server.addresses[0])
        )
        with beamline.scan() as scan:
            known(device, scan)
            scan.prepare()
            publish_points(scan, 2)
            wait_until(lambda: device.points_written == 8, "points written")
            admin.set_timeout_millis(20_000)
            admin.RestartServer()
            wait_until(lambda: note_of(scan.filename, "resumed") != "", "up again")
            publish_points(scan, 3)
        wait_until(lambda: note_of(scan.filename, "end_time") != "", "scan saved")
        with h5py.File(scan.filename) as file:
            assert "resumed" in file["1.1/writer"]
            assert "warnings" not in file["1.1/writer"], file["1.1/writer/warnings"][()]
            assert file["1.1/writer/status"][()] == b"SUCCEEDED"

    def test_waits_for_a_session_that_does_not_exist(
        self, device: tango.DeviceProxy, redis_url: str, tmp_path: Path
    ) -> None:
        wait_until(lambda: SESSION in device.status() or device.status() == LISTENS, "reason")
        assert device.state() is DevState.ON
        beamline = Beamline(redis_url, SESSION, tmp_path / "data")
        assert save_one(device, beamline)
        assert device.status() == LISTENS
        beamline.close()


def note_of(filename: str, name: str) -> str:
    """A text of the writer's note in the first entry; empty when it is not there, or cannot be read now."""
    try:
        with h5py.File(filename) as file:
            return file[f"1.1/writer/{name}"].asstr()[()]
    except (OSError, KeyError, RuntimeError):
        return ""


class TestScan:
    """Commands about one scan, as BLISS calls them before, during and after it."""

    def test_known_within_half_a_second(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        save_one(device, beamline)
        for dataset in ("a", "b", "c"):
            with beamline.scan(dataset) as scan:
                announced = time.monotonic()
                known(device, scan)
                assert time.monotonic() - announced < allowed_s(0.5)

    def test_what_bliss_asks(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        with beamline.scan() as scan:
            known(device, scan)
            assert device.scan_has_write_permissions(scan.name)
            assert device.scan_disk_space_error(scan.name) == ""
            assert device.scan_has_required_disk_space(scan.name)
            scan.prepare()
            publish_points(scan, 5)
            assert device.scan_state(scan.name) is DevState.ON
            assert isinstance(device.scan_disk_space_warning(scan.name), str)
        saved(device, scan)
        assert device.scan_state(scan.name) is DevState.OFF
        assert device.scan_state_reason(scan.name).startswith("Finished succes")
        assert list(device.scan_uri(scan.name)) == [f"{scan.filename}::/1.1"]

    @pytest.mark.parametrize("command", OF_ONE_SCAN)
    def test_unknown_scan(self, command: str, idle_device: tango.DeviceProxy) -> None:
        reason, text = first_error(getattr(idle_device, command), "99_nope")
        assert reason == "PyDs_PythonError"
        assert text == "ValueError: No writer for scan '99_nope' exists"

    def test_unknown_scan_does_not_exist(self, idle_device: tango.DeviceProxy) -> None:
        assert idle_device.scan_exists("99_nope") is False

    def test_a_bare_name_is_the_latest_scan_a_key_any(
        self, device: tango.DeviceProxy, beamline: Beamline
    ) -> None:
        first, second = save_one(device, beamline, "one"), save_one(device, beamline, "two")
        assert first.name == second.name
        assert device.scan_uri(second.name)[0].startswith(second.filename)
        assert device.scan_uri(first.key)[0].startswith(first.filename)
        assert list(device.scan_names) == [first.name, second.name]

    @pytest.mark.parametrize(
        ("command", "reason"), [("stop_scan", "Stopped on request"), ("kill_scan", "Killed on request")]
    )
    def test_stopped_by_a_client(
        self, command: str, reason: str, device: tango.DeviceProxy, beamline: Beamline
    ) -> None:
        with beamline.scan() as scan:
            known(device, scan)
            scan.prepare()
            publish_points(scan, 3)
            wait_until(lambda: device.points_written == 12, "points written")
            getattr(device, command)(scan.name)
            saved(device, scan)
            assert device.scan_state(scan.name) is DevState.FAULT
            assert reason in device.scan_state_reason(scan.name)
            assert device.state() is DevState.ON
            assert device.scans_failed == 1
            with h5py.File(scan.filename) as file:
                assert file["1.1/writer/status"][()] == b"FAILED"
                assert len(file["1.1/measurement/diode1"]) == 3

    def test_purged_only_when_finished_a_while_ago(
        self, device: tango.DeviceProxy, beamline: Beamline
    ) -> None:
        scan = save_one(device, beamline)
        end_time = json.loads(device.scan_description(scan.key))["end_time"]
        device.purge_scans()
        assert device.scan_exists(scan.key)
        wait_until(lambda: device.purge_scans() or not device.scan_exists(scan.key), "purged")
        assert time.time() - end_time > 5
        assert device.scans_finished == 1


class TestRecorded:
    """What a real session published."""

    @pytest.mark.parametrize("name", ["ct", "two_masters"])
    def test_saved_where_the_path_map_says(
        self, name: str, captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        recording = Recording(captures / name)
        maps = ("--path-map", f"/data={tmp_path / 'data'}")
        options = ("--nodb", "--session", recording.session, "--redis", redis_url, *maps)
        with serving(tmp_path / "server", *options) as server:
            device = server.proxy()
            replay(recording, redis_client)
            for scan in recording.scans:
                wait_until(lambda s=scan: device.scan_exists(s.key), f"{scan.name} known")
                wait_until(lambda s=scan: device.scan_state(s.key) is DevState.OFF, f"{scan.name} saved")
                for uri in device.scan_uri(scan.key):
                    path, _, entry = uri.partition("::")
                    assert path.startswith(str(tmp_path / "data"))
                    with h5py.File(path) as file:
                        assert file[entry]["writer/status"][()] == b"SUCCEEDED"


class TestReadings:
    """What the device says of its scans."""

    def test_texts_and_numbers(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        scan = save_one(device, beamline)
        name = scan.name
        assert list(device.scan_states) == [DevState.OFF]
        assert list(device.scan_uris) == [f"{name}: ['{scan.filename}::/1.1']"]
        assert re.fullmatch(rf"{name}: \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", device.scan_start[0])
        assert re.fullmatch(rf"{name}: \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", device.scan_end[0])
        assert re.fullmatch(rf"{name}: 0:00:\d\d\.\d+", device.scan_duration[0])
        assert device.scan_progress[0] == f"{name}: 5pts-5pts"
        assert device.scan_states_info[0].startswith(f"{name}: OFF Finished succes")
        assert device.scan_info[0].startswith(f"{name}: OFF 5pts-5pts 160.0B duration: ")
        numbers = {number: getattr(device, number) for number in NUMBERS}
        assert numbers["points_written"] == 20
        assert numbers["bytes_written"] == 160
        assert (numbers["scans_running"], numbers["scans_finished"], numbers["scans_failed"]) == (0, 1, 0)
        assert numbers["free_disk_space"] > 0
        assert (numbers["lag_entries"], numbers["queue_fill"], numbers["lag_seconds"]) == (0, 0, 0)

    def test_json(self, device: tango.DeviceProxy, beamline: Beamline) -> None:
        scan = save_one(device, beamline)
        [one] = json.loads(device.scans_description)
        assert json.loads(device.scan_description(scan.name)) == one
        assert (one["name"], one["key"], one["session"], one["state"]) == (
            scan.name,
            scan.key,
            SESSION,
            "OFF",
        )
        assert one["start_time"] <= one["writing_since"] <= one["end_time"]
        assert one["progress"]["points"] == 20
        assert one["progress"]["uris"] == [f"{scan.filename}::/1.1"]

    def test_lag_is_an_alarm_of_the_number_not_of_the_device(self, idle_device: tango.DeviceProxy) -> None:
        """A classic idle_device has no alarms, and BLISS refuses to scan in any state but ON and RUNNING."""
        config = idle_device.get_attribute_config("lag_seconds")
        assert (config.alarms.max_warning, config.alarms.max_alarm) == ("2", "10")
        config.alarms.max_alarm = "-1"
        config.alarms.max_warning = "-2"
        idle_device.set_attribute_config(config)
        assert idle_device.read_attribute("lag_seconds").quality is tango.AttrQuality.ATTR_ALARM
        assert idle_device.state() is DevState.ON

    def test_levels_are_set(self, device: tango.DeviceProxy, server: Server, beamline: Beamline) -> None:
        device.writer_log_level = "DEBUG"
        assert device.writer_log_level == 1
        device.tango_log_level = 4
        assert device.tango_log_level == 4
        device.resource_profiling = "WALL30"
        assert device.resource_profiling == 4
        events: Queue[int] = Queue()
        device.subscribe_event(
            "scans_running", tango.EventType.CHANGE_EVENT, lambda event: events.put(event.attr_value.value)
        )
        with beamline.scan() as scan:
            scan.prepare()
            while events.get(timeout=60) != 1:  # short scans may escape the profiler
                pass
        wait_until(lambda: "WALL30: " in server.output, "profile")

    @pytest.fixture
    def cramped(self, redis_url: str, tmp_path: Path) -> Iterator[Server]:
        """A device that wants more disk space than there is."""
        variables = {
            "NEXUS_WRITER_REQUIRED_DISK_SPACE": "1e15",
            "NEXUS_WRITER_RECOMMENDED_DISK_SPACE": "2e15",
        }
        options = ("--nodb", "--session", SESSION, "--redis", redis_url)
        with serving(tmp_path / "cramped", *options, variables=variables) as running:
            yield running

    def test_disk_space(self, cramped: Server, beamline: Beamline) -> None:
        device = cramped.proxy()
        with beamline.scan() as scan:
            known(device, scan)
            assert device.scan_disk_space_error(scan.name) == "Free disk space below 1e+15 MB"
            assert device.scan_disk_space_warning(scan.name) == "Free disk space below 2e+15 MB"
            assert not device.scan_has_required_disk_space(scan.name)
            assert device.scan_state(scan.name) is DevState.ON
            wait_until(
                lambda: device.read_attribute("free_disk_space").quality is tango.AttrQuality.ATTR_ALARM,
                "alarm",
            )
            assert "Free disk space below" in device.scan_state_reason(scan.name)
            assert device.state() is DevState.RUNNING


class TestEvents:
    """Change events, as a graphical client uses them."""

    @pytest.fixture
    def events(self, device: tango.DeviceProxy) -> Iterator[Queue[tuple[str, Any]]]:
        """(attribute, value) of all events since the subscription."""
        seen: Queue[tuple[str, Any]] = Queue()

        def put(event: tango.EventData) -> None:
            name = event.attr_name.rpartition("/")[2].partition("#")[0]
            seen.put((name, event.errors[0].desc if event.err else event.attr_value.value))

        names = ("State", "scans_running", "points_written", "scan_names", "scans_description", "lag_seconds")
        ids = [device.subscribe_event(name, tango.EventType.CHANGE_EVENT, put) for name in names]
        yield seen
        for one in ids:
            device.unsubscribe_event(one)

    def test_pushed(
        self, device: tango.DeviceProxy, beamline: Beamline, events: Queue[tuple[str, Any]]
    ) -> None:
        seen: dict[str, list[Any]] = {}

        def until(wanted: str, value: Any) -> None:
            while seen.get(wanted, [])[-1:] != [value]:
                name, got = events.get(timeout=60)
                seen.setdefault(name, []).append(got)

        until("state", DevState.ON)
        with beamline.scan() as scan:
            known(device, scan)
            scan.prepare()
            until("state", DevState.RUNNING)
            publish_points(scan, 5)
            until("points_written", 20)
        until("state", DevState.ON)
        until("scans_running", 0)
        while json.loads(seen["scans_description"][-1])[0]["state"] != "OFF":
            until(*events.get(timeout=60))
        assert 1 in seen["scans_running"]
        assert list(seen["scan_names"][-1]) == [scan.name]
        assert set(seen["state"]) == {DevState.ON, DevState.RUNNING}


class TestMakedirs:
    """Directories are made by the writer's user, as BLISS asks."""

    def test_made_with_parents_and_again(self, idle_device: tango.DeviceProxy, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "c"
        idle_device.makedirs(str(path))
        idle_device.makedirs(str(path))
        assert stat.S_ISDIR(path.stat().st_mode)

    @pytest.mark.parametrize("path", ["relative/path", "", "~/home"])
    def test_relative(self, path: str, idle_device: tango.DeviceProxy) -> None:
        assert first_error(idle_device.makedirs, path) == (
            "PyDs_PythonError",
            f"ValueError: {path!r} is not an absolute path: begin it with /",
        )

    @pytest.mark.parametrize(("below", "kind"), [("", "FileExistsError"), ("/x/y", "NotADirectoryError")])
    def test_in_the_way(self, below: str, kind: str, idle_device: tango.DeviceProxy, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        reason, text = first_error(idle_device.makedirs, f"{tmp_path}/file{below}")
        assert reason == "PyDs_PythonError"
        assert text.startswith(f"{kind}: [Errno")
        assert "\n" not in text
        assert str(tmp_path) in text

    def test_failure_prints_no_traceback(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(tango.DevFailed, match="NotADirectoryError"):
            server.proxy().makedirs(f"{tmp_path}/file/x")
        assert "Traceback" not in server.output

    def test_mapped(self, redis_url: str, tmp_path: Path) -> None:
        maps = ("--path-map", f"/beamline={tmp_path}/one", "--path-map", f"/beamline/two={tmp_path}/two")
        with serving(tmp_path / "s", "--nodb", "--session=s", "--redis", redis_url, *maps) as server:
            server.proxy().makedirs("/beamline/x")
            server.proxy().makedirs("/beamline/two/x")
        assert (tmp_path / "one" / "x").is_dir()
        assert (tmp_path / "two" / "x").is_dir()

    def test_only_below_the_roots(
        self, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "out").symlink_to(tmp_path)
        monkeypatch.setenv("NEXUS_WRITER_ROOTS", f"/nowhere,{tmp_path}/root")
        with serving(tmp_path / "s", "--nodb", "--session=s", "--redis", redis_url) as server:
            device = server.proxy()
            device.makedirs(f"{tmp_path}/root/a/b")
            for path in ("elsewhere", "root/../elsewhere", "root/out/elsewhere"):
                _, text = first_error(device.makedirs, f"{tmp_path}/{path}")
                assert "is not below /nowhere or" in text
                assert "\n" not in text
        assert (tmp_path / "root" / "a" / "b").is_dir()
        assert not (tmp_path / "elsewhere").exists()
