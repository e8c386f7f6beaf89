"""What a publisher leaves in Redis is what BLISS leaves there: held against recordings of it."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.errors import NotAClient
from nexus_writer.data.pickles import loads
from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    NoSuchChannel,
    Position,
    ScanHasEnded,
    ScanSpec,
    SessionPublisher,
    WrongShape,
    axis,
    integrating,
    mca,
    sampling,
    timer,
)
from nexus_writer.data.recording import Recording, replay

BASE = "/data/id00/bliss/raw/visitor"
SAMPLING = "simulation_diode_sampling_controller"
Recorded = Callable[[str], dict[str, Any]]
INTEGRATING = "simulation_diode_integrating_controller"


def positions() -> Mapping[str, Position]:
    units = {"robx": "mm", "roby": "mm", "robz": "mm", "roty": "deg", "nounitm": None}
    return {name: Position(0.0, unit=unit) for name, unit in units.items()}


LOOPSCAN = ScanSpec(
    "loopscan",
    (
        timer(
            DeviceSpec(INTEGRATING, (integrating("diode4"),)),
            DeviceSpec(SAMPLING, (sampling("diode1"),)),
            DeviceSpec(SAMPLING, (sampling("diode2"), sampling("diode3"))),
            DeviceSpec(SAMPLING, (sampling("diode_cst"),)),
        ),
    ),
    title="my loopscan",
    npoints=10,
    count_time_s=0.02,
    fields={"plots": [{"kind": "curve-plot", "items": [{"kind": "curve", "x": "timer:elapsed_time"}]}]},
    positions=positions,
)
SIMPLE = ScanSpec("ct", (timer(DeviceSpec("diodes", (sampling("diode1", "V"),))),), npoints=1)


@pytest.fixture
def recorded(redis_server: EmbeddedRedis, captures: Path, redis_url: str) -> Recorded:
    """What BLISS left in Redis after the scans of a recording."""

    def replayed(name: str) -> dict[str, Any]:
        with redis_server.client(db=2) as client:
            replay(Recording(captures / name), client)
            return redis_state(client)

    return replayed


@pytest.fixture
def session(redis_client: redis.Redis) -> SessionPublisher:
    return SessionPublisher(redis_client, "demo_session")


@pytest.fixture
def dataset(session: SessionPublisher) -> DatasetPublisher:
    return session.dataset(BASE, "hg123", "loopscan10", "0001", proposal_session="20261101")


def publish_loopscan(dataset: DatasetPublisher) -> str:
    with dataset.scan(LOOPSCAN) as scan:
        scan.prepare()
        for point in range(10):
            for channel in scan.channels.values():
                channel.publish(float(point))
            if point % 2:
                scan.flush()
    return scan.key


def info_of(client: redis.Redis, key: str) -> dict[str, Any]:
    return {field.decode(): loads(value) for field, value in client.hgetall(f"{key}_info").items()}


def sent_by_publisher(client: redis.Redis, publish: Callable[[], Any]) -> list[str]:
    """The commands that ``publish`` sends, without those that scripts send and that connections need."""
    with client.monitor() as monitor:
        publish()
        client.echo("done")
        commands = []
        for command in monitor.listen():
            if command["command"] == "ECHO done":
                return commands
            unrelated = command["command"].startswith(("CLIENT", "SELECT", "SCRIPT"))
            if command["client_type"] != "lua" and not unrelated:
                commands.append(command["command"])
    raise AssertionError("the server's monitor ended")


def transactions(sent: list[str]) -> list[list[list[str]]]:
    """Commands as a monitor tells them, those between MULTI and EXEC together."""
    found: list[list[list[str]]] = []
    inside = False
    for line in sent:
        name, *args = line.split(" ")
        if name in ("MULTI", "EXEC"):
            inside = name == "MULTI"
            found.append([])
        elif inside:
            found[-1].append([name, *args])
        else:
            found.append([[name, *args]])
    return found


def outline(sent: list[list[list[str]]], scan: str) -> list[list[str]]:
    """Commands of one scan without its points, the same ones in a row as one.

    The creation of an empty stream counts once, however often a shared device is created.
    """
    dataset = scan.rpartition(":")[0]
    lines: list[list[str]] = []
    created: set[str] = set()
    for transaction in sent:
        lines.append([])
        for name, key, *args in transaction:
            if name == "EVALSHA" or (name == "XADD" and args[0] == "0-1"):
                stream = args[1] if name == "EVALSHA" else key
                line = "" if stream in created else f"CREATE {stream}"
                created.add(stream)
            elif name in ("XDEL", "HDEL", "EXPIRE", "PEXPIREAT") or key.endswith("_data"):
                continue
            else:
                line = f"{name} {key}"
            relevant = scan in line or line == f"XADD {dataset}_children_list"
            if relevant and line not in lines[-1][-1:]:
                lines[-1].append(line)
    return [line for line in lines if line]


def shape_of(value: Any) -> Any:
    """A value without what differs from scan to scan: types of leaves, keys of dicts, lengths of lists."""
    if isinstance(value, dict):
        return {re.sub(r"^\d{9,}:", "ID:", str(key)): shape_of(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((shape_of(one) for one in value), key=str)
    if isinstance(value, str):
        return re.sub(r"^\d{9,}:", "ID:", value)
    return type(value).__name__


def redis_state(client: redis.Redis) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for raw in client.scan_iter():
        if client.type(raw) == b"hash":
            state[raw.decode()] = client.hgetall(raw)
        else:
            state[raw.decode()] = {"entries": [fields for _, fields in client.xrange(raw)]}
    return state


def test_a_loopscan_leaves_the_keys_and_nodes_of_the_recorded_one(
    recorded: Recorded, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    publish_loopscan(dataset)
    wanted, got = recorded("loopscan10"), redis_state(redis_client)
    assert set(got) == set(wanted)
    for key in wanted:
        if (not key.endswith("_info") and "entries" not in wanted[key]) or key.endswith("_children_list"):
            assert got[key] == wanted[key], key


def test_a_loopscan_leaves_the_events_of_the_recorded_one(
    recorded: Recorded, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    publish_loopscan(dataset)
    wanted, got = recorded("loopscan10"), redis_state(redis_client)
    streams = [key for key in wanted if key.endswith(("_data", "_prepared", "_end"))]
    assert len(streams) == 9
    for key in streams:
        assert len(got[key]["entries"]) == len(wanted[key]["entries"])
        for one, other in zip(got[key]["entries"], wanted[key]["entries"], strict=True):
            assert list(one) == list(other)
            for field in one:
                if one[field].startswith(b"\x80"):
                    assert type(loads(one[field])) is type(loads(other[field])), field
            if b"__DESC__" in one:
                assert loads(one[b"__DESC__"]) == loads(other[b"__DESC__"])
                assert len(one[b"__DATA__"]) == len(other[b"__DATA__"])
                assert one[b"__NPOINTS__"] == other[b"__NPOINTS__"] == b"1"


def test_the_scan_info_is_built_like_the_recorded_one(
    recorded: Recorded, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    key = publish_loopscan(dataset)
    raw = recorded("loopscan10")[f"{key}_info"]
    wanted = {field.decode(): loads(value) for field, value in raw.items()}
    got = info_of(redis_client, key)
    assert set(got) == set(wanted)
    wanted["nexuswriter"]["devices"] = {
        name: entry for name, entry in wanted["nexuswriter"]["devices"].items() if name in got["channels"]
    }
    assert sorted(got.pop("scan_meta_categories")) == sorted(wanted.pop("scan_meta_categories"))
    for info in (got, wanted):
        for volatile in ("publisher", "publisher_version", "user_name"):
            assert isinstance(info.pop(volatile), str)
        for when in ("start", "end"):
            assert time.strptime(info.pop(f"{when}_time_str"))
    assert shape_of(got) == shape_of(wanted)
    for field in ("filename", "images_path", "node_name", "npoints", "title", "state", "positioners"):
        assert got[field] == wanted[field]
    assert got["nexuswriter"]["masterfiles"] == wanted["nexuswriter"]["masterfiles"]


def test_a_mesh_has_the_chain_of_the_recorded_one(recorded: Recorded, redis_client: redis.Redis) -> None:
    dataset = SessionPublisher(redis_client, "demo_session").dataset(BASE, "hg123", "amesh")
    diodes = [
        DeviceSpec(SAMPLING, (sampling(name, display={"group": "scatter"}),)) for name in ("diode1", "diode2")
    ]
    motors = [
        ChannelSpec(name, unit="mm", display={"start": 0, "stop": stop, "points": 20, "axis-points": n})
        for name, stop, n in (("robx", 1, 5), ("roby", 2, 4))
    ]
    with dataset.scan(ScanSpec("amesh", (axis(motors, timer(*diodes)),), npoints=20)) as scan:
        scan.prepare()
    wanted = recorded("amesh")
    for key in ("", "_children_list"):
        below = {
            one: wanted[one]
            for one in wanted
            if ":1_amesh" in one and one.endswith(key) and "_info" not in one
        }
        got = {one: state for one, state in redis_state(redis_client).items() if one in below}
        assert set(got) == set(below)
    for stream in (":1_amesh", ":1_amesh:axis", ":1_amesh:axis:timer", f":1_amesh:axis:timer:{SAMPLING}"):
        key = f"{dataset.key}{stream}_children_list"
        assert got[key] == wanted[key]
    recorded = loads(wanted[f"{scan.key}_info"][b"acquisition_chain"])
    assert shape_of(info_of(redis_client, scan.key)["acquisition_chain"]) == shape_of(recorded)


def test_commands_come_in_the_order_and_transactions_of_bliss(
    captures: Path, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    recording = Recording(captures / "loopscan10")
    wanted = [
        [[arg.decode("utf-8", "replace") for arg in command.args[:3]] for command in transaction]
        for transaction in recording.transactions
    ]
    got = transactions(sent_by_publisher(redis_client, lambda: publish_loopscan(dataset)))
    assert outline(got, recording.scans[0].key) == outline(wanted, recording.scans[0].key)


def test_all_pending_points_go_in_one_transaction(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    scan = dataset.scan(LOOPSCAN)
    scan.prepare()

    def publish() -> None:
        for point in range(3):
            for channel in scan.channels.values():
                channel.publish(point)
        assert redis_client.xlen(f"{scan.key}:timer:epoch_data") == 0
        scan.flush()
        scan.flush()

    sent = [command.split(" ")[0] for command in sent_by_publisher(redis_client, publish)]
    assert sent == ["XLEN", "MULTI", *["XADD"] * 21, "EXEC"]


@pytest.mark.parametrize(
    ("spec", "values", "expected"),
    [
        (ChannelSpec("c"), 1, [(1, np.float64(1.0))]),
        (ChannelSpec("c"), [1, 2, 3], [(3, np.array([1.0, 2.0, 3.0]))]),
        (ChannelSpec("c"), [7], [(1, np.float64(7.0))]),
        (ChannelSpec("c"), [], []),
        (ChannelSpec("c", np.int32), 5.0, [(1, np.int32(5))]),
        (ChannelSpec("c", ">i4"), [1, 2], [(2, np.array([1, 2], "=i4"))]),  # numpy loads native
        (ChannelSpec("c", bool), True, [(1, np.bool_(True))]),
        (ChannelSpec("c", np.uint64), 2**64 - 1, [(1, np.uint64(2**64 - 1))]),
        (ChannelSpec("c", str), "é", [(1, np.str_("é"))]),
        (ChannelSpec("c", "S4"), "ab", [(1, np.bytes_(b"ab"))]),
        (ChannelSpec("c", object), {"any": "thing"}, [(1, {"any": "thing"})]),
        (ChannelSpec("c", np.uint32, (3,)), [1, 2, 3], [(1, np.array([1, 2, 3], np.uint32))]),
        (ChannelSpec("c", np.uint32, (-1,)), [1, 2], [(1, np.array([1, 2], np.uint32))]),
        (ChannelSpec("c", np.uint8, (2, 2)), np.ones((3, 2, 2)), [(3, np.ones((3, 2, 2), np.uint8))]),
    ],
)
def test_points_are_pickled_as_the_channel_declares_them(
    spec: ChannelSpec,
    values: Any,
    expected: list[tuple[int, Any]],
    redis_client: redis.Redis,
    dataset: DatasetPublisher,
) -> None:
    with dataset.scan(ScanSpec("one", (DeviceSpec("dev", (spec,)),))) as scan:
        scan.prepare()
        scan["dev:c"].publish(values)
    entries = redis_client.xrange(f"{scan.key}:dev:c_data")
    assert len(entries) == len(expected)
    for (_, fields), (points, value) in zip(entries, expected, strict=True):
        got = loads(fields[b"__DATA__"])
        assert int(fields[b"__NPOINTS__"]) == points
        assert type(got) is type(value)
        assert np.asarray(got).dtype == np.asarray(value).dtype
        assert np.array_equal(got, value)
        description = loads(fields[b"__DESC__"])
        assert description["dtype"] == spec.dtype
        assert description["shape"] == (np.shape(value) if points == 1 else np.shape(value)[1:])


def test_ids_are_indices_of_points(redis_client: redis.Redis, dataset: DatasetPublisher) -> None:
    with dataset.scan(SIMPLE) as scan:
        scan.prepare()
        channel = scan["diodes:diode1"]
        channel.publish([1.0, 2.0, 3.0])
        channel.publish(4.0)
        channel.points += 2
        channel.publish([7.0, 8.0])
    entries = redis_client.xrange(f"{channel.key}_data")
    assert [entry for entry, _ in entries] == [b"1-0", b"4-0", b"7-0"]
    assert channel.points == 8


def test_values_of_the_wrong_shape_are_refused(dataset: DatasetPublisher) -> None:
    with dataset.scan(SIMPLE) as scan:
        scan.prepare()
        with pytest.raises(WrongShape, match="diodes:diode1 takes points of shape"):
            scan["diodes:diode1"].publish(np.zeros((2, 2)))


def test_redis_keeps_about_2048_events_of_a_channel(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    with dataset.scan(SIMPLE) as scan:
        scan.prepare()
        for _ in range(5000):
            scan["diodes:diode1"].publish(0.0)
    assert 2048 <= redis_client.xlen(f"{scan.key}:timer:diodes:diode1_data") < 3000


def test_redis_keeps_all_events_when_told_so(redis_client: redis.Redis) -> None:
    session = SessionPublisher(redis_client, "demo_session", stream_max_entries=None)
    with session.directory("/data").scan(SIMPLE) as scan:
        scan.prepare()
        for _ in range(5000):
            scan["diodes:diode1"].publish(0.0)
    assert redis_client.xlen(f"{scan.key}:timer:diodes:diode1_data") == 5000


def test_data_expire_after_the_scan_and_nodes_after_the_dataset(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    key = publish_loopscan(dataset)
    below = [raw for raw in redis_client.scan_iter() if raw.startswith(f"{key}:".encode())]
    assert len(below) == 27
    assert all(590 < redis_client.ttl(raw) <= 600 for raw in below)
    own = [key, *(f"{key}_{stream}" for stream in ("info", "children_list", "end", "prepared"))]
    assert [redis_client.ttl(one) for one in own] == [-1] * 5
    dataset.close()
    assert all(86000 < redis_client.ttl(one) <= 86400 for one in own)
    assert info_of(redis_client, dataset.key)["__closed__"] is True


def test_a_dataset_that_is_begun_again_does_not_expire(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    """Else its scans would be counted from 1 again."""
    publish_loopscan(dataset)
    dataset.close()
    again = dataset.session.dataset(BASE, "hg123", "loopscan10", "0001", proposal_session="20261101")
    assert again.key == dataset.key
    own = [again.key, f"{again.key}_info", f"{again.key}_children_list"]
    assert [redis_client.ttl(one) for one in own] == [-1] * 3
    assert info_of(redis_client, again.key)["__closed__"] is False


def test_scans_that_are_not_saved_count_for_themselves(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    names = []
    for save in (False, True, True, False):
        with dataset.scan(ScanSpec("ct", SIMPLE.chain, save=save)) as scan:
            names.append(scan.name)
            info = info_of(redis_client, scan.key)
            assert info["shadow_scan_number"] is not save
            assert bool(info["filename"]) is save
            assert ("nexuswriter" in info) is save
    assert names == ["_1_ct", "1_ct", "2_ct", "_2_ct"]
    again = dataset.session.dataset(BASE, "hg123", "loopscan10", "0001", proposal_session="20261101")
    assert again.scan(SIMPLE).name == "3_ct"


def test_the_basic_policy_has_directories_alone(redis_client: redis.Redis) -> None:
    session = SessionPublisher(redis_client, "basic_session")
    directory = session.directory("/data/id00/bliss/raw/basic/basic_session/20261120", "loopscan_0003.h5")
    with directory.scan(SIMPLE) as scan:
        pass
    assert scan.key == "basic_session:data:id00:bliss:raw:basic:20261120:1_ct"
    info = info_of(redis_client, scan.key)
    assert info["filename"] == "/data/id00/bliss/raw/basic/basic_session/20261120/loopscan_0003.h5"
    assert info["data_policy"] == "None"
    assert info["nexuswriter"]["masterfiles"] == {}
    assert redis_client.hget(directory.key, "node_type") == b"container"
    for expiring in (scan.key, directory.key, "basic_session"):
        assert 86000 < redis_client.ttl(expiring) <= 86400


def test_none_deletes_a_field_when_the_scan_is_prepared(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    with dataset.scan(SIMPLE) as scan:
        assert info_of(redis_client, scan.key)["sleep_time"] is None
        scan.prepare()
        assert "sleep_time" not in info_of(redis_client, scan.key)


@pytest.mark.parametrize(
    ("error", "exception", "state"),
    [
        (None, "", "DONE"),
        (RuntimeError, "<class 'RuntimeError'>", "KILLED"),
        (KeyboardInterrupt, "<class 'bliss.scanning.scan.ScanAbort'>", "USER_ABORTED"),
    ],
)
def test_the_end_tells_what_happened(
    error: type[BaseException] | None,
    exception: str,
    state: str,
    redis_client: redis.Redis,
    dataset: DatasetPublisher,
) -> None:
    scan = dataset.scan(SIMPLE)
    try:
        with scan:
            scan.prepare()
            if error is not None:
                raise error
    except BaseException as caught:
        assert type(caught) is error
    ((_, fields),) = redis_client.xrange(f"{scan.key}_end")
    assert loads(fields[b"__EXCEPTION__"]) == exception
    assert info_of(redis_client, scan.key)["state"] == state
    scan.end("later")
    assert redis_client.xlen(f"{scan.key}_end") == 1


def test_motors_are_asked_at_the_start_and_at_the_end(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    place = [1.0]
    spec = ScanSpec("ascan", SIMPLE.chain, positions=lambda: {"samx": Position(place[0], place[0] - 5, "mm")})
    with dataset.scan(spec) as scan:
        scan.prepare()
        assert "positioners_end" not in info_of(redis_client, scan.key)["positioners"]
        place[0] = 2.0
    assert info_of(redis_client, scan.key)["positioners"] == {
        "positioners_start": {"samx": 1.0},
        "positioners_dial_start": {"samx": -4.0},
        "positioners_units": {"samx": "mm"},
        "positioners_end": {"samx": 2.0},
        "positioners_dial_end": {"samx": -3.0},
    }


def test_metadata_and_comments_reach_the_info(redis_client: redis.Redis, dataset: DatasetPublisher) -> None:
    sample = {"@NX_class": "NXsample", "name": "iron"}
    spec = ScanSpec("ct", SIMPLE.chain, categories={"sample": sample, "instrument": {"gain": 3}})
    with dataset.scan(spec) as scan:
        scan.prepare()
        scan.comment("all is well")
        scan.info["sample"] = {**sample, "temperature": 20.0}
        assert info_of(redis_client, scan.key)["comments"][0]["message"] == "all is well"
    info = info_of(redis_client, scan.key)
    assert info["sample"] == {**sample, "temperature": 20.0}
    assert info["instrument"] == {"@NX_class": "NXinstrument", "gain": 3}
    assert {"sample", "instrument", "positioners", "nexuswriter"} <= set(info["scan_meta_categories"])


def test_counters_are_told_to_the_writer(redis_client: redis.Redis, dataset: DatasetPublisher) -> None:
    device = DeviceSpec("xia", (mca("spectrum", shape=(16,)), integrating("i0"), sampling("v", mode="LAST")))
    with dataset.scan(ScanSpec("ct", (timer(device),))) as scan:
        pass
    assert info_of(redis_client, scan.key)["nexuswriter"]["devices"] == {
        "xia:spectrum": {"device_info": {"type": "mca"}, "device_type": "mca"},
        "xia:i0": {},
        "xia:v": {
            "device_info": {"type": "samplingcounter", "mode": "LAST"},
            "device_type": "samplingcounter",
            "data_type": "signal",
        },
    }


def test_two_channels_of_one_full_name_are_refused(dataset: DatasetPublisher) -> None:
    twins = tuple(DeviceSpec("ctl", (sampling("diode"),)) for _ in range(2))
    with (
        pytest.raises(ValueError, match="two channels ctl:diode"),
        dataset.scan(ScanSpec("ct", (timer(*twins),))) as scan,
    ):
        scan.prepare()


def test_nothing_is_pickled_that_a_reader_of_bliss_could_not_load(
    redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    publish_loopscan(dataset)
    seen = 0
    for state in redis_state(redis_client).values():
        for fields in state.get("entries", [state]):
            for value in fields.values():
                if isinstance(value, bytes) and value.startswith(b"\x80"):
                    seen += 1
                    assert value[1] <= 4
                    assert b"numpy._core" not in value
                    pickle.loads(value)
    assert seen > 200


@pytest.mark.parametrize("name", ["", "a:b", "a b"])
def test_a_session_needs_a_name_that_writers_know(name: str, redis_client: redis.Redis) -> None:
    with pytest.raises(ValueError, match="is no session name: give one without spaces and colons"):
        SessionPublisher(redis_client, name)


def test_an_address_is_no_client(redis_url: str) -> None:
    with pytest.raises(NotAClient, match=r"give connect\(address\)"):
        SessionPublisher(redis_url, "session")  # type: ignore[arg-type]


def test_a_channel_that_a_scan_has_not_or_not_yet(dataset: DatasetPublisher) -> None:
    with dataset.scan(SIMPLE) as scan:
        with pytest.raises(KeyError, match=r"has no channel diodes:diode1: call prepare\(\) first"):
            scan["diodes:diode1"]
        scan.prepare()
        with pytest.raises(NoSuchChannel, match=r"has no channel diodes:diode9: it has .*diodes:diode1"):
            scan["diodes:diode9"]


def test_points_after_the_end_are_refused(redis_client: redis.Redis, dataset: DatasetPublisher) -> None:
    with dataset.scan(SIMPLE) as scan:
        scan.prepare()
        channel = scan["diodes:diode1"]
    scan.flush()
    channel.publish(1.0)
    with pytest.raises(ScanHasEnded, match="_ct has ended, and takes no more points"):
        scan.flush()
    assert redis_client.xlen(f"{channel.key}_data") == 0
