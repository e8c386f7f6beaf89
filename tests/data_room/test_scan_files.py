"""Files and entries of scans, from their nodes and infos; sessions and last scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data import (
    get_last_saved_scan,
    get_last_scan_filename,
    get_node,
    get_session_node,
    sessions_list,
)
from nexus_writer.data.nodes import ScanNode
from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.scan_files import (
    scan_filename,
    scan_filenames,
    scan_info,
    scan_master_filenames,
    scan_name,
    scan_uri,
    scan_uris,
)
from nexus_writer.data.sessions import NoSuchSession, check_session_exists
from nexus_writer.model import Scan
from nexus_writer.model.path_map import BadPathMap
from tests.data_room.by_hand import HandPublisher

CHAIN = (timer(DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))),)


def published(client: redis.Redis, directory: Path, **changes: object) -> ScanNode:
    dataset = SessionPublisher(client, "session").dataset(directory, "hg123", "sample")
    with dataset.scan(ScanSpec("loopscan", CHAIN, **changes)) as scan:  # type: ignore[arg-type]
        pass
    node = get_node(scan.key, client)
    assert isinstance(node, ScanNode)
    return node


class TestFiles:
    """Where a scan is saved."""

    def test_the_same_from_a_node_an_info_and_a_model(
        self, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        node = published(redis_client, tmp_path)
        info = scan_info(node)
        model = Scan.from_info(info, node.db_name)
        path = str(info["filename"])
        for scan in (node, info, model):
            assert scan_filename(scan) == path
            assert scan_name(scan) == "1.1"
            assert scan_uri(scan) == f"{path}::/1.1"
            assert scan_uris(scan) == [f"{path}::/1.1"]
            assert scan_uris(scan, entry_name="s{scan_nb:03d}_{subscan}") == [f"{path}::/s001_1"]
            masters = scan_master_filenames(scan)
            assert set(masters) == {"dataset_collection", "proposal"}
            assert scan_filenames(scan) == {"dataset": path, **masters}
        with pytest.raises(TypeError, match="give the node"):
            scan_info(model)

    def test_as_this_host_sees_them(
        self, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = published(redis_client, tmp_path)
        path = scan_filename(node)
        assert path is not None and path.startswith(f"{tmp_path}/")
        seen = path.replace(str(tmp_path), "/mnt/data", 1)
        session = get_session_node("session", redis_client)

        def all_seen(path_map: dict[str, str] | None) -> None:
            assert scan_filename(node, path_map=path_map) == seen
            assert scan_uri(node, path_map=path_map) == f"{seen}::/1.1"
            assert scan_uris(scan_info(node), path_map=path_map) == [f"{seen}::/1.1"]
            files = scan_filenames(node, path_map=path_map)
            assert set(files) == {"dataset", "dataset_collection", "proposal"}
            assert all(file.startswith("/mnt/data/") for file in files.values())
            assert scan_master_filenames(node, path_map=path_map).items() <= files.items()
            assert get_last_scan_filename(session, path_map=path_map) == seen

        all_seen({str(tmp_path): "/mnt/data"})
        monkeypatch.setenv("NEXUS_WRITER_PATH_MAP", f"{tmp_path}=/mnt/data")
        all_seen(None)
        assert scan_filename(node, path_map={}) == path
        with pytest.raises(BadPathMap, match="FROM=TO"):
            scan_filename(node, path_map={"data": "/mnt/data"})

    def test_one_that_is_not_saved(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        node = published(redis_client, tmp_path, save=False)
        assert scan_filename(node) is None and scan_uri(node) is None
        assert scan_uris(node) == [] and scan_filenames(node) == {} and scan_master_filenames(node) == {}

    def test_subscans(self, redis_client: redis.Redis, captures: Path) -> None:
        replay(Recording(captures / "two_masters"), redis_client, speed=0)
        scan = get_last_saved_scan(get_session_node("demo_session", redis_client))
        assert scan is not None
        number = scan.info["scan_nb"]
        names = [uri.rpartition("/")[2] for uri in scan_uris(scan)]
        assert names == [f"{number}.1", f"{number}.2"]
        assert scan_uris(scan, 2) == scan_uris(scan)[1:] and scan_uris(scan, 3) == []
        assert scan_name(scan, 3) is None and scan_name(scan, 0) is None and scan_uri(scan, 0) is None


class TestSessions:
    """Which sessions there are."""

    def test_by_name_without_what_is_below(self, redis_client: redis.Redis) -> None:
        assert sessions_list(redis_client) == []
        for name in ("b", "a*[x]"):
            HandPublisher(redis_client, name).scan()
            redis_client.xadd(f"{name}_children_list", {"x": "y"})
        redis_client.xadd("lost_children_list", {"x": "y"})
        assert [session.name for session in sessions_list(redis_client)] == ["a*[x]", "b"]

    def test_one_that_is_missing_is_told_with_those_that_there_are(self, redis_client: redis.Redis) -> None:
        with pytest.raises(NoSuchSession, match="none at all, is it the right server"):
            check_session_exists("demo", redis_client)
        HandPublisher(redis_client, "other").scan()
        check_session_exists("other", redis_client)
        with pytest.raises(NoSuchSession, match=r"no session demo \(it has other\)"):
            check_session_exists("demo", redis_client)


class TestLastScan:
    """The scan that was announced last and is saved."""

    def test_it_goes_by_time_and_skips_what_is_not_saved(
        self, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        session = get_session_node("session", redis_client)
        assert get_last_saved_scan(session) is None and get_last_scan_filename(session) is None
        scans = [published(redis_client, tmp_path / name) for name in ("z", "a")]
        unsaved = published(redis_client, tmp_path / "b", save=False)
        assert get_last_saved_scan(session) == scans[1]
        assert get_last_scan_filename(session) == scans[1].info["filename"]
        assert scans[0].parent is not None and unsaved.parent is not None
        assert get_last_saved_scan(scans[0].parent) == scans[0]
        assert get_last_saved_scan(unsaved.parent) is None


@pytest.mark.parametrize("scan", ["session:data:1_loopscan", None])
def test_a_key_is_no_scan(scan: Any) -> None:
    with pytest.raises(TypeError, match=r"a scan is its node or its info, not .*: get_node\(key\) gives"):
        scan_uris(scan)
