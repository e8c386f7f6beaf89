"""Images of a camera: from its memory by a real Tango server, else from the files that it wrote."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from fabio.edfimage import EdfImage

from nexus_writer.data import camera_server as camera_servers
from nexus_writer.data.camera_frames import ImageNotReady, ImagesNotSaved, ImageUnavailable
from nexus_writer.data.camera_server import CameraRefused, CameraServer, CameraUnreachable, camera_server
from nexus_writer.data.nodes import LimaImageChannelDataNode
from nexus_writer.data.recording import Recording, replay
from nexus_writer.data.remote import RemoteNodeWalker
from tests.camera_files import frame, saving, write_files
from tests.data_room.by_hand import HandPublisher
from tests.data_room.test_beacon import fake_beacon, message
from tests.lima_server import LimaServer, image, lima_server
from tests.waiting import allowed_s, wait_until

RECORDED = "demo_session:data:id00:bliss:raw:visitor:hg123:lima_two:lima_two_0001:1_limatwo:timer"
NOBODY = "tango://127.0.0.1:9/id00/limaccds/cam#dbase=no"
PROGRAM = """\
from nexus_writer.data.remote import RemoteNodeWalker
from gevent.monkey import is_anything_patched

# required to query lima images from references
from nexus_writer.data.nodes.lima import LimaImageChannelDataNode
from nexus_writer.data.events import EventType
from redis import Redis

beacon_host = "localhost"
beacon_port = {port}
db_name = "session"
root_node = RemoteNodeWalker(beacon_host, beacon_port, db_name)

redis_connections = {{}}

for event in root_node.walk_on_new_events():
    assert not is_anything_patched()
    node = event.node
    data = event.data

    # only looking at lima data
    if event.type is EventType.NEW_DATA and node.type == "lima":
        redis_url = event.node.redis_url

        # create a redis connection if none already exists
        if redis_url not in redis_connections:
            redis_connections[redis_url] = Redis.from_url(redis_url)

        # download image(s) from the reference(s)
        source_node = LimaImageChannelDataNode(
            connection=redis_connections[redis_url], name=node.db_name
        )
        lima_data_view = source_node.get(
            data.first_index, data.description["last_image_ready"]
        )
        for index in range(data.first_index, lima_data_view.last_index):
            image = lima_data_view.get_image(index)
            print("IMAGE:", image.shape)  # PROCESS IMAGE...
"""


class Camera:
    """A camera of a running scan, as BLISS publishes it."""

    def __init__(self, client: redis.Redis, url: str = "", **description: Any) -> None:
        self.client = client
        self.url = url
        publisher = HandPublisher(client)
        device = publisher.below(publisher.scan(), "cam", "None")
        self.key = publisher.below(device, "image", "lima", {"shape": (4, 6), "dtype": np.uint16})
        if description:
            client.rpush(f"{self.key}_data_ref", pickle.dumps(description, 4))
        self.number = self.begin()
        self._events = 0

    def begin(self) -> int:
        """The camera begins an acquisition, of this scan or of the next one."""
        number: Any = self.client.incr(self.url) if self.url else 1
        return int(number)

    def tell(self, ready: int, saved: int = 0, **more: Any) -> None:
        status = {"server_url": self.url, "lima_acq_nb": self.number, "buffer_max_number": 3}
        status |= {"last_image_ready": ready - 1, "last_image_saved": saved - 1, **more}
        self._events += 1
        fields = {"__EVENT__": "LIMAIMAGESTATUS", "__STATUS__": pickle.dumps(status, 4)}
        self.client.xadd(f"{self.key}_data", fields, id=f"{self._events}-0")  # type: ignore[arg-type]

    @property
    def node(self) -> LimaImageChannelDataNode:
        return LimaImageChannelDataNode(connection=self.client, name=self.key)


@pytest.fixture(scope="module")
def running_server() -> Iterator[LimaServer]:
    with lima_server() as server:
        yield server


@pytest.fixture
def server(running_server: LimaServer) -> LimaServer:
    """With 5 images, of which the last 3 are in its memory."""
    running_server.proxy.images = 5
    running_server.proxy.buffer_max_number = 3
    running_server.proxy.video_mode = 1
    return running_server


@pytest.fixture(autouse=True)
def nobody_is_known_to_be_away() -> Iterator[None]:
    camera_server.cache_clear()
    yield
    camera_server.cache_clear()


def edf_files(directory: Path, frames: int) -> None:
    directory.mkdir()
    for first in range(0, frames, 2):
        file = EdfImage(data=frame(first))
        file.append_frame(data=frame(first + 1))
        file.write(str(directory / f"cam_{first // 2:04d}.edf"))


def answers(camera: CameraServer) -> bool:
    try:
        return bool(np.array_equal(camera.read_image(0), image(0)))
    except CameraUnreachable:
        return False


class TestMemory:
    def test_images_come_from_there_while_they_are(
        self, server: LimaServer, redis_client: redis.Redis
    ) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(5)
        view = camera.node.get(0, -1)
        for index in (2, 3, 4):
            assert np.array_equal(view.get_image(index), image(index))
        last = view.get_last_image()
        assert np.array_equal(last.data, image(4)) and last[1:] == (4, "memory")

    def test_those_that_were_overwritten_come_from_files(
        self, server: LimaServer, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        camera = Camera(redis_client, server.url, **saving(tmp_path))
        write_files(tmp_path, 5)
        camera.tell(5, saved=5)
        asked = server.proxy.readings
        view = camera.node.get(0, -1)
        expected = [frame(0), frame(1), image(2), image(3), image(4)]
        assert np.array_equal(view.as_array(), expected)
        assert server.proxy.readings == asked + 3, "asked for what it must have, and for nothing else"

    def test_one_that_is_overwritten_meanwhile_comes_from_its_file(
        self, server: LimaServer, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        camera = Camera(redis_client, server.url, **saving(tmp_path))
        write_files(tmp_path, 5)
        camera.tell(3, saved=5)
        assert np.array_equal(camera.node.get(0).get_image(0), frame(0))

    def test_another_acquisition_has_taken_the_memory(
        self, server: LimaServer, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        camera = Camera(redis_client, server.url, **saving(tmp_path))
        write_files(tmp_path, 5)
        camera.tell(5, saved=5)
        camera.begin()
        asked = server.proxy.readings
        assert np.array_equal(camera.node.get(4).get_image(4), frame(4))
        assert server.proxy.readings == asked

    def test_another_acquisition_begins_while_the_image_is_read(
        self,
        server: LimaServer,
        redis_client: redis.Redis,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        camera = Camera(redis_client, server.url, **saving(tmp_path))
        write_files(tmp_path, 5)
        camera.tell(5, saved=5)
        read = CameraServer.read_image
        monkeypatch.setattr(CameraServer, "read_image", lambda *args: (camera.begin(), read(*args))[1])
        assert np.array_equal(camera.node.get(4).get_image(4), frame(4))

    def test_neither_here_nor_there(self, server: LimaServer, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(5)
        with pytest.raises(ImageUnavailable, match=r"no image 1.*has the last 3 .* of 5.*does not save"):
            camera.node.get(0, -1).get_image(1)

    @pytest.mark.parametrize("room", [None, "much", -1])
    def test_a_status_that_says_nonsense(
        self, server: LimaServer, redis_client: redis.Redis, room: object
    ) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(5, buffer_max_number=room)
        with pytest.raises(ImageUnavailable):
            camera.node.get(0, -1).get_image(4)

    def test_an_index_that_no_camera_has(self, server: LimaServer, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(2**32)
        with pytest.raises(ImageUnavailable):
            camera.node.get(0, -1).get_image(2**32 - 2)

    def test_threads_share_a_server(self, server: LimaServer, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(5)
        with ThreadPoolExecutor(4) as pool:
            images = list(pool.map(camera.node.get(0, -1).get_image, [2, 3, 4] * 20))
        assert np.array_equal(images, [image(index) for index in [2, 3, 4] * 20])


class TestServerAway:
    def test_files_do_not_wait_for_it_image_by_image(
        self, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        camera = Camera(redis_client, NOBODY, **saving(tmp_path))
        write_files(tmp_path, 3)
        camera.tell(3, saved=3)
        tried: list[str] = []
        connected = CameraServer._connected
        monkeypatch.setattr(
            CameraServer,
            "_connected",
            lambda self, tango: (tried.append(self.url), connected(self, tango))[1],
        )
        for _ in range(2):
            assert np.array_equal(camera.node.get_as_array(0, -1), [frame(0), frame(1), frame(2)])
        assert tried == [NOBODY]

    def test_it_dies_and_comes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(camera_servers, "RETRY_S", 0.0)
        with lima_server() as own:
            own.proxy.images = 1
            camera = camera_server(own.url)
            assert np.array_equal(camera.read_image(0), image(0))
        for _ in range(2):
            with pytest.raises(CameraUnreachable, match="start its server"):
                camera.read_image(0)
        with lima_server(own.port) as own:
            own.proxy.images = 1
            wait_until(lambda: answers(camera), "an answer")

    def test_one_that_hangs_costs_its_patience_once(
        self, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(camera_servers, "TIMEOUT_S", 0.5)
        with lima_server() as own:
            own.proxy.images = 3
            camera = Camera(redis_client, own.url, **saving(tmp_path))
            write_files(tmp_path, 3)
            camera.tell(3, saved=3)
            assert np.array_equal(camera.node.get(0).get_image(0), image(0))
            before = own.proxy.readings
            own.process.send_signal(signal.SIGSTOP)
            tasks = list(Path(f"/proc/{own.process.pid}/task").glob("*/stat"))
            wait_until(lambda: all(") T " in one.read_text() for one in tasks), "all its threads are stopped")
            started_s = time.monotonic()
            assert np.array_equal(camera.node.get_as_array(0, -1), [frame(0), frame(1), frame(2)])
            assert 0.4 < time.monotonic() - started_s < allowed_s(0.5)
            own.process.send_signal(signal.SIGCONT)
            wait_until(lambda: own.proxy.readings > before, "it answers again")
            assert own.proxy.readings == before + 1, "asked once"

    def test_no_live_image_says_why(self, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, NOBODY)
        camera.tell(1)
        with pytest.raises(CameraUnreachable, match=r"127\.0\.0\.1:9"):
            camera.node.get(0, -1).get_last_live_image()

    def test_what_it_refuses(self, server: LimaServer) -> None:
        with pytest.raises(CameraRefused, match="image 1 is not available"):
            camera_server(server.url).read_image(1)


class TestLive:
    def test_it_is_what_the_camera_shows(self, server: LimaServer, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, server.url, acq_trigger_mode="INTERNAL_TRIGGER_MULTI")
        camera.tell(2)
        view = camera.node.get(0, -1)
        live = view.get_last_live_image()
        assert live is not None and np.array_equal(live.data, image(4)) and live[1:] == (4, "video")
        server.proxy.images = 6
        live = view.get_last_live_image()
        assert live is not None and np.array_equal(live.data, image(5))

    def test_numbers_that_mean_nothing_are_left_out(
        self, server: LimaServer, redis_client: redis.Redis
    ) -> None:
        camera = Camera(redis_client, server.url, acq_trigger_mode="INTERNAL_TRIGGER")
        camera.tell(2)
        live = camera.node.get(0, -1).get_last_live_image()
        assert live is not None and live.frame_number is None

    def test_there_is_none(self, server: LimaServer, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client, server.url)
        view = camera.node.get(0, -1)
        assert view.get_last_live_image() is None, "its address is not told yet"
        camera.tell(0)
        server.proxy.images = 0
        assert view.get_last_live_image() is None, "no image yet"
        server.proxy.images = 1
        assert view.get_last_live_image() is not None
        camera.begin()
        asked = server.proxy.readings
        assert view.get_last_live_image() is None, "another scan's"
        assert server.proxy.readings == asked

    def test_another_scan_takes_the_camera_meanwhile(
        self, server: LimaServer, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        camera = Camera(redis_client, server.url)
        camera.tell(2)
        read = CameraServer.last_image
        monkeypatch.setattr(CameraServer, "last_image", lambda *args: (camera.begin(), read(*args))[1])
        assert camera.node.get(0, -1).get_last_live_image() is None


class TestFiles:
    @pytest.mark.parametrize("kind", ["HDF5", "EDF"])
    def test_images_of_a_camera_that_is_gone(
        self, redis_client: redis.Redis, tmp_path: Path, kind: str
    ) -> None:
        directory = tmp_path / "saved"
        if kind == "HDF5":
            camera = Camera(redis_client, **saving(directory))
            write_files(directory, 4)
        else:
            camera = Camera(redis_client, **saving(directory, saving_format="EDF", saving_suffix=".edf"))
            edf_files(directory, 4)
        camera.tell(4, saved=4)
        images = list(camera.node)
        assert np.array_equal(images, [frame(index) for index in range(4)])
        assert images[0].shape == (4, 6) and images[0].dtype == "u2"
        assert camera.node.get(0, -1).get_last_image()[1:] == (3, "file")

    def test_the_last_image_is_the_last_saved_one(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, **saving(tmp_path))
        write_files(tmp_path, 2)
        camera.tell(4, saved=2)
        last = camera.node.get(0, -1).get_last_image()
        assert np.array_equal(last.data, frame(1)) and last.frame_number == 1
        with pytest.raises(ImageUnavailable, match=r"cam_0001\.h5 \(it does not exist\).*can this host see"):
            camera.node.get(0, -1).get_image(3)

    def test_room_for_an_image_is_no_image(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, **saving(tmp_path))
        write_files(tmp_path, 1, room=2)
        camera.tell(2)
        with pytest.raises(ImageUnavailable, match="not written"):
            camera.node.get(0, -1).get_image(1)

    def test_files_that_are_not_read(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, **saving(tmp_path, saving_format="RAW"))
        camera.tell(1, saved=1)
        with pytest.raises(ImageUnavailable, match=r"cam_0000\.h5 is of the format RAW: only HDF5, EDF"):
            camera.node.get(0).get_image(0)

    def test_tango_need_not_be_there(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        camera = Camera(redis_client, NOBODY, **saving(tmp_path))
        write_files(tmp_path, 1)
        camera.tell(1, saved=1)
        code = (
            "import sys, redis; sys.modules['tango'] = None\n"
            "from nexus_writer.data import LimaImageChannelDataNode\n"
            f"client = redis.Redis.from_url({redis_url!r})\n"
            f"view = LimaImageChannelDataNode(connection=client, name={camera.key!r}).get(0, -1)\n"
            "print(view.get_image(0).shape)\n"
            "try: view.get_last_live_image()\n"
            "except Exception as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [
            "(4, 6)",
            "Tango is needed to ask a camera: install the extra 'tango' of nexus-writer",
        ]

    def test_a_recorded_scan_of_two_cameras(
        self, redis_client: redis.Redis, captures: Path, tmp_path: Path
    ) -> None:
        replay(Recording(captures / "lima_two" / "timeline.jsonl.gz"), redis_client)
        (files,) = (captures / "lima_two").rglob("scan0001")
        for name, shape, dtype in (("limaa", (8, 6), "i4"), ("limab", (20, 30), "u2")):
            key = f"{RECORDED}:{name}:image"
            camera = LimaImageChannelDataNode(connection=redis_client, name=key)
            description = {**camera.first_ref_data, "saving_directory": str(files)}
            redis_client.lset(f"{key}_data_ref", 0, pickle.dumps(description, 4))
            images = camera.get_as_array(0, -1)
            assert images.shape == (6, *shape) and images.dtype == dtype
            assert len({values.tobytes() for values in images}) == 6


class TestView:
    @pytest.fixture
    def camera(self, redis_client: redis.Redis, tmp_path: Path) -> Camera:
        """5 images, 4 of them saved."""
        camera = Camera(redis_client, **saving(tmp_path))
        write_files(tmp_path, 5)
        camera.tell(5, saved=4)
        return camera

    def test_where_it_begins_and_ends(self, camera: Camera) -> None:
        view = camera.node.get(1, 3)
        assert (view.from_index, view.to_index, view.last_index, len(view)) == (1, 3, 4, 3)
        assert (view.last_image_ready, view.last_image_saved) == (4, 3)
        assert view.status["buffer_max_number"] == 3
        view = camera.node.get(3, 8)
        assert (view.last_index, len(view)) == (5, 2), "as far as the camera is"
        camera.tell(8, saved=8)
        assert (view.last_index, len(view)) == (8, 5)
        assert camera.node.get(0, -1).last_index == 8
        assert len(camera.node.get(9, 12)) == 0 and not list(camera.node.get(9, 12))

    def test_what_the_camera_says_are_attributes(self, camera: Camera) -> None:
        camera.tell(5, saved=4, last_image_acquired=6, acq_state="running")
        view = camera.node.get(0, -1)
        assert (view.last_image_acquired, view.acq_state, view.buffer_max_number) == (6, "running", 3)
        assert view.first_ref_data == camera.node.first_ref_data == view.all_ref_data[0]
        assert not hasattr(view, "something_else") and copy.copy(view).last_index == 5

    def test_it_counts_from_its_first_image_as_a_list(self, camera: Camera) -> None:
        view = camera.node.get(1, 3)
        assert [int(values[0, 0]) for values in view] == [1, 2, 3]
        assert [int(view[index][0, 0]) for index in (0, 2, -1)] == [1, 3, 3]
        assert view[1:].shape == (2, 4, 6) and view[5:].shape[0] == 0
        for index in (3, -4):
            with pytest.raises(IndexError):
                view[index]

    def test_as_an_array(self, camera: Camera) -> None:
        assert camera.node.get(2).as_array().shape == camera.node.get_as_array(2).shape == (4, 6)
        assert camera.node.get_as_array(2, 2).shape == (1, 4, 6)
        assert int(camera.node.get_as_array(-1)[0, 0]) == 4

    def test_images_that_are_not_there(self, camera: Camera) -> None:
        view = camera.node.get(0, -1)
        for index in (5, -1):
            with pytest.raises(ImageNotReady, match=f"image {index} is not there, 5 are"):
                view.get_image(index)

    def test_before_the_first_image(self, redis_client: redis.Redis, tmp_path: Path) -> None:
        view = Camera(redis_client, **saving(tmp_path)).node.get(0, -1)
        assert (len(view), view.last_index, view.to_index, list(view)) == (0, 0, -1, [])
        assert list(view.all_image_references()) == []
        with pytest.raises(ImageNotReady, match="it has no image yet: ask again later"):
            view.get_last_image()

    def test_where_images_are(self, camera: Camera, tmp_path: Path) -> None:
        view = camera.node.get(1, 2)
        dataset = "/entry_0000/ESRF-ID00/cam/data"
        assert view.image_reference(3) == (str(tmp_path / "cam_0001.h5"), dataset, 1, "HDF5")
        assert view.image_references([4, 0]) == [view.image_reference(4), view.image_reference(0)]
        assert len(view.all_image_references()) == 5 and len(view.all_image_references(saved=True)) == 4
        assert view.image_reference(3, saved=True) == view.all_image_references()[3]
        assert list(view.iter_image_references()) == view.image_references(range(5))
        assert list(view.iter_image_references([4, 2, 9, 1])) == view.image_references([4, 2])
        assert list(view.iter_image_references([2, 4], saved=True)) == [view.image_reference(2)]
        for index, saved in ((5, False), (4, True), (-1, False)):
            with pytest.raises(ImageNotReady):
                view.image_reference(index, saved)

    def test_a_camera_that_saves_nothing(self, redis_client: redis.Redis) -> None:
        camera = Camera(redis_client)
        camera.tell(2)
        view = camera.node.get(0, -1)
        for ask in (view.all_image_references, lambda: view.image_reference(0)):
            with pytest.raises(ImagesNotSaved, match="while they are there"):
                ask()


def test_the_program_that_looks_at_images_without_gevent(
    server: LimaServer, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """They come from the memory of the camera, and from its files."""
    port = redis_url.rpartition(":")[2].partition("/")[0].encode()
    write_files(tmp_path, 5)
    with fake_beacon(lambda kind, payload: message(34, payload + b"127.0.0.1|" + port)) as beacon:
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(port=beacon.address.rpartition(":")[2]))
        command = [sys.executable, "-u", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            killer = threading.Timer(30, program.kill)
            killer.start()
            wait_until(lambda: "xread" in [client["cmd"] for client in redis_client.client_list()], "a walk")
            camera = Camera(redis_client, server.url, **saving(tmp_path))
            asked = server.proxy.readings
            camera.tell(2, saved=2)
            camera.tell(5, saved=5)
            assert program.stdout is not None and program.stderr is not None
            lines = [program.stdout.readline() for _ in range(5)]
            assert lines == ["IMAGE: (4, 6)\n"] * 5
            program.send_signal(signal.SIGINT)
            assert program.wait(60) != 0
            killer.cancel()
            assert program.stderr.read().strip().splitlines()[-1] == "KeyboardInterrupt"
    assert server.proxy.readings > asked


def test_references_come_through_a_walk_in_another_process(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    camera = Camera(redis_client, **saving(tmp_path))
    write_files(tmp_path, 3)
    camera.tell(3, saved=3)
    walker = RemoteNodeWalker(db_name="session", redis_url=redis_url)
    (data,) = (event.data for event in walker.walk_events("lima", wait=False) if event.data is not None)
    view = camera.node.get(0, -1)
    assert list(data.data) == list(view.all_image_references()) == view.image_references(range(3))
