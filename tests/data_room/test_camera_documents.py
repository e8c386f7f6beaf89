"""Programs of the how-to of camera images are run: over a recorded scan, and beside a camera."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import redis

from nexus_writer.data import camera_frames, camera_server, encoded_images
from nexus_writer.data.connection import URL_VARIABLE
from nexus_writer.data.nodes import get_node, lima_view
from nexus_writer.data.recording import Recording, replay
from tests.data_room.test_camera_images import RECORDED
from tests.lima_server import lima_server

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "camera-images.md").read_text()
FOLLOW, LOOK, LIVE, MOUNTED = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def recorded(client: redis.Redis, captures: Path) -> None:
    """Two cameras, whose files are where they say."""
    replay(Recording(captures / "lima_two" / "timeline.jsonl.gz"), client)
    (files,) = (captures / "lima_two").rglob("scan0001")
    for name in ("limaa", "limab"):
        key = f"{RECORDED}:{name}:image_data_ref"
        description = pickle.loads(client.lindex(key, 0))  # type: ignore[arg-type]
        client.lset(key, 0, pickle.dumps(description | {"saving_directory": str(files)}, 4))  # type: ignore[arg-type]


def printed(program: str, directory: Path, url: str, **variables: str) -> str:
    path = directory / "program.py"
    path.write_text(program)
    environment = {**os.environ, URL_VARIABLE: url, **variables}
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_while_they_are_measured(
    captures: Path, redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    recorded(redis_client, captures)
    lines = printed(FOLLOW, tmp_path, redis_url).splitlines()
    for shape, dtype in (("(8, 6)", "int32"), ("(20, 30)", "uint16")):
        of_one = [line for line in lines if f"{shape} {dtype}" in line]
        assert [line.split()[1:3] for line in of_one] == [["image", str(i)] for i in range(6)]


def test_afterwards(captures: Path, redis_client: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    recorded(redis_client, captures)
    text = printed(LOOK, tmp_path, redis_url)
    for name, file in (("limaa", "limaa_0001.h5"), ("limab", "limab_0000.h5")):
        assert f"{name} 6 images, the last one from file\n" in text
        assert re.search(rf"the second one is in /.*/{file}\n", text)


def test_live(captures: Path, redis_client: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    recorded(redis_client, captures)
    with lima_server() as server:
        server.proxy.images = 1
        redis_client.set(server.url, 7)
        for name in ("limaa", "limab"):
            status = {"server_url": server.url, "lima_acq_nb": 7, "last_image_ready": 5}
            redis_client.xadd(f"{RECORDED}:{name}:image_data", {"__STATUS__": pickle.dumps(status, 4)})
        assert printed(LIVE, tmp_path, redis_url) == "live (4, 6) up to 23\n" * 2


def test_files_that_are_mounted_elsewhere(
    captures: Path, redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    replay(Recording(captures / "lima_two" / "timeline.jsonl.gz"), redis_client)
    lines = printed(MOUNTED, tmp_path, redis_url).splitlines()
    assert len(lines) == 2 and all(line.startswith("the first one is in /mnt/data/") for line in lines)
    said = get_node(f"{RECORDED}:limaa:image", redis_client).first_ref_data["saving_directory"]
    (files,) = (captures / "lima_two").rglob("scan0001")
    (line,) = re.findall(r"^export (NEXUS_WRITER_PATH_MAP)=\S+=\S+$", PAGE, re.MULTILINE)
    text = printed(LOOK, tmp_path, redis_url, **{line: f"{said}={files}"})
    assert "limaa 6 images, the last one from file\n" in text


def test_every_name_of_the_tables_is_there() -> None:
    for name in re.findall(r"`(\w+)\(", PAGE.partition("| of a view")[2].partition("## ")[0]):
        assert name in ("len",) or hasattr(lima_view.LimaDataView, name), name
    table = PAGE.partition("| error |")[2].partition("\n\n")[0]
    names = re.findall(r"`((?:Image|Tango|Camera)\w+)`", table)
    assert len(names) == 7
    for name in names:
        assert any(hasattr(one, name) for one in (camera_frames, camera_server, encoded_images)), name


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"alone for {camera_server.RETRY_S:.0f} s" in PAGE
    assert f"to {3 * camera_server.TIMEOUT_S:.0f} s" in PAGE
