"""Programs of the how-to pages about following scans are run as they are printed, beside scans."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.connection import URL_VARIABLE
from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    SavingSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    camera,
    timer,
)
from nexus_writer.data.recording import Recording, replay
from nexus_writer.simulation import load
from tests.serve_process import entry_is_final, serving
from tests.waiting import wait_until

DOCS = Path(__file__).parents[1] / "docs"
DEVICE = DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))
SPEC = ScanSpec("loopscan", (timer(DEVICE),), title="loopscan 3 0.1", npoints=3)
IPYTHON = "version_info = (9, 0)\nget_ipython = lambda: None\n"
DISPLAY = '''\
"""As much of IPython as the page uses; what is displayed is noted."""
class Handle:
    def update(self, figure):
        shown.append(figure.axes[0].get_title())
shown = []
def display(figure, display_id):
    return Handle()
'''


def programs(page: str, kind: str = "python") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@contextmanager
def running(program: str, url: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """In a folder that is empty but for the program."""
    path = directory / "empty" / "program.py"
    path.parent.mkdir()
    path.write_text(program)
    environment = {**os.environ, URL_VARIABLE: url, "PYTHONUNBUFFERED": "1", "MPLBACKEND": "agg"}
    process = subprocess.Popen(
        [sys.executable, path], stdout=subprocess.PIPE, text=True, env=environment, cwd=path.parent
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def publish(client: redis.Redis, directory: Path, scans: int = 1) -> list[ScanPublisher]:
    dataset = SessionPublisher(client, "demo_session").dataset(directory, "hg123", "sample")
    published = []
    for _ in range(scans):
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            for fullname in scan.channels:
                scan[fullname].publish(np.arange(3.0))
        published.append(scan)
    return published


def listeners(client: redis.Redis, pid: int | None = None) -> int:
    """How many programs, or whether the one, wait for what is new."""
    return sum(
        one["cmd"] == "xread" and "b" in one["flags"] and (pid is None or one["name"].endswith(f":{pid}"))
        for one in client.client_list()
    )


def lines_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """What it prints up to a line with the text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"no {text!r} in {lines}")


class TestEachScan:
    """docs/how-to/process-each-scan.md"""

    FROM_FILE, FROM_REDIS = programs("how-to/process-each-scan.md")

    def test_from_its_file(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with (
            serving("demo_session", redis_url, tmp_path / "writer"),
            running(self.FROM_FILE, redis_url, tmp_path) as process,
        ):
            wait_until(lambda: listeners(redis_client, process.pid), "listening")
            (scan,) = publish(redis_client, tmp_path)
            lines = lines_until(process, "diode")
            assert entry_is_final(Path(scan.filename), "1.1")
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert lines[0] == "1_loopscan SUCCESS"
        assert lines[-1] == "/1.1 SUCCEEDED diode 3 points, mean 1.0"

    def test_from_redis(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with running(self.FROM_REDIS, redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            publish(redis_client, tmp_path)
            lines = lines_until(process, "diode")
        assert sorted(lines) == [
            "1_loopscan ctl:diode 3 of 3 points",
            "1_loopscan timer:elapsed_time 3 of 3 points",
            "1_loopscan timer:epoch 3 of 3 points",
        ]


def test_publishing(redis_url: str, tmp_path: Path) -> None:
    """docs/how-to/publish-your-own-data.md: what it publishes is saved, with its plot."""
    (program,) = programs("how-to/publish-your-own-data.md")
    program = program.replace("redis://localhost:6380/1", redis_url)
    (printed,) = programs("how-to/publish-your-own-data.md", "text")
    with (
        serving("laser_session", redis_url, tmp_path / "writer"),
        running(program.replace("/data/visitor", str(tmp_path)), redis_url, tmp_path) as process,
    ):
        assert process.communicate(timeout=60)[0] == printed.replace("/data/visitor", str(tmp_path))
        path = Path(printed.split()[-1].replace("/data/visitor", str(tmp_path)))
        wait_until(lambda: entry_is_final(path, "1.1"), "saved", 60)
    with h5py.File(path) as file:
        assert file["1.1/measurement/spectrum"].shape == (11, 16)
        plot = file["1.1/plotselect"]
        assert (plot.attrs["signal"], plot.attrs["axes"].tolist()) == ("power", ["samx"])
        assert plot["power"][()].tolist() == [5.0 + number for number in range(11)]


class TestAsyncio:
    """docs/how-to/use-asyncio.md"""

    TASKS, ONE_WALK, TIMEOUT = programs("how-to/use-asyncio.md")

    def test_a_task_for_each_scan(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with running(self.TASKS, redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            publish(redis_client, tmp_path, scans=2)
            assert process.stdout is not None
            lines = sorted(process.stdout.readline() for _ in range(2))
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        for number, line in enumerate(lines, 1):
            assert line.startswith(f"{number}_loopscan has ended: {{") and line.count(": 3") == 3

    def test_images_are_counted(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with running(self.TASKS, redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            dataset = SessionPublisher(redis_client, "demo_session").dataset(tmp_path, "hg123", "sample")
            cam = DeviceSpec("cam", (camera((4, 6)),))
            with dataset.scan(ScanSpec("loopscan", (timer(cam),))) as scan:
                scan.prepare()
                scan.camera("cam:image").prepare(SavingSpec(str(tmp_path)))
                scan.camera("cam:image").publish_status(ready=3, saved=3)
                scan.camera("cam:image").publish_status(ready=7, saved=7)
            (line,) = lines_until(process, "has ended")
        assert line == "1_loopscan has ended: {'cam:image': 7}"

    def test_one_walk_for_all(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with running(self.ONE_WALK, redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            scans = publish(redis_client, tmp_path, scans=2)
            lines, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert sorted(lines.splitlines()) == sorted(
            f"{channel.key} 3" for scan in scans for channel in scan.channels.values()
        )

    def test_a_timeout(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        SessionPublisher(redis_client, "demo_session")
        impatient = self.TIMEOUT.replace("timeout(30)", "timeout(0.2)")
        assert impatient != self.TIMEOUT
        with running(impatient, redis_url, tmp_path) as process:
            assert process.communicate(timeout=60)[0] == "no scan within 30 s\n"

    def test_no_timeout(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        with running(self.TIMEOUT, redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            (scan,) = publish(redis_client, tmp_path)
            assert process.communicate(timeout=60)[0] == f"begun: {scan.key}\n"


class TestNotebook:
    """docs/how-to/plot-in-a-notebook.md"""

    CELLS = programs("how-to/plot-in-a-notebook.md")

    @contextmanager
    def publishing(self, client: redis.Redis, directory: Path, scans: int) -> Iterator[None]:
        """So many scans, each when somebody listens anew."""

        def publish_when_asked() -> None:
            for _ in range(scans):
                wait_until(lambda: listeners(client), "listening", 60)
                publish(client, directory)
                wait_until(lambda: not listeners(client), "the end of the walk", 60)

        thread = threading.Thread(target=publish_when_asked)
        thread.start()
        yield
        thread.join()

    def test_its_cells_in_a_loop(self, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
        """Without Jupyter: the cells one after the other, where await may stand, as there."""
        cells = [*self.CELLS, "from IPython.display import shown\nprint(shown[-1])\n"]
        program = f"import sys, asyncio\nsys.path.append({str(tmp_path)!r})\n"
        program += "async def cells():\n" + textwrap.indent("\n".join(cells), "    ")
        program += "if __name__ == '__main__':\n    asyncio.run(cells())\n"
        with self.publishing(redis_client, tmp_path, 1):
            (tmp_path / "IPython").mkdir()
            (tmp_path / "IPython" / "__init__.py").write_text(IPYTHON)
            (tmp_path / "IPython" / "display.py").write_text(DISPLAY)
            with running(program, redis_url, tmp_path) as process:
                lines, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert lines == "3 points, the largest 2.0\n1_loopscan: has ended\n"

    def test_its_cells_in_a_real_kernel(
        self, redis_url: str, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Jupyter runs them, with all that it would show; where ipykernel is installed."""
        pytest.importorskip("ipykernel")
        manager = pytest.importorskip("jupyter_client.manager")
        monkeypatch.setenv(URL_VARIABLE, redis_url)
        kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
        try:
            with self.publishing(redis_client, tmp_path, 1):
                told = [message for cell in self.CELLS for message in executed(client, cell)]
        finally:
            client.stop_channels()
            kernel.shutdown_kernel(now=True)
        printed = "".join(content["text"] for kind, content in told if kind == "stream")
        assert printed == "3 points, the largest 2.0\n"
        (shown,) = [content for kind, content in told if kind == "display_data"]
        updates = [content for kind, content in told if kind == "update_display_data"]
        assert updates and all("image/png" in content["data"] for content in (shown, *updates))
        assert {content["transient"]["display_id"] for content in (shown, *updates)} == {
            shown["transient"]["display_id"]
        }


def executed(client: Any, cell: str) -> list[tuple[str, dict[str, Any]]]:
    """What a kernel tells until it has executed a cell: kinds of messages and their contents."""
    request = client.execute(cell)
    told = []
    while True:
        message = client.get_iopub_msg(timeout=60)
        kind, content = message["msg_type"], message["content"]
        assert kind != "error", content["traceback"]
        told.append((kind, content))
        mine = message["parent_header"].get("msg_id") == request
        if mine and kind == "status" and content["execution_state"] == "idle":
            return told


class TestFiles:
    """docs/how-to/read-a-running-scan.md and docs/tutorial/follow-scans.md"""

    def test_a_file_while_it_is_written(
        self, redis_url: str, redis_client: redis.Redis, tmp_path: Path
    ) -> None:
        (program,) = programs("how-to/read-a-running-scan.md")
        with serving("demo_session", redis_url, tmp_path / "writer"):
            dataset = SessionPublisher(redis_client, "demo_session").dataset(tmp_path, "hg123", "sample")
            with dataset.scan(SPEC) as scan:
                scan.prepare()
                scan["ctl:diode"].publish(np.arange(2.0))
                scan.flush()
                wait_until(lambda: points_in(Path(scan.filename)) == 2, "two points", 60)
                program = program.replace("/data/hg123/sample_0001.h5", scan.filename)
                with running(program, redis_url, tmp_path) as process:
                    assert process.communicate(timeout=60)[0] == "2 loopscan 3 0.1\n"

    def test_the_tutorial(
        self, redis_url: str, redis_client: redis.Redis, tmp_path: Path, captures: Path
    ) -> None:
        every_scan, one_scan, channel = programs("tutorial/follow-scans.md")
        (beamline,) = programs("tutorial/follow-scans.md", "yaml")
        (tmp_path / "beamline.yaml").write_text(beamline)
        assert load(tmp_path / "beamline.yaml").session == "demo_session"
        there, here = 'connect("redis://localhost:6380/1")', f'connect("{redis_url}")'
        with running(every_scan.replace(there, here), redis_url, tmp_path) as process:
            wait_until(lambda: listeners(redis_client), "listening")
            publish(redis_client, tmp_path)
            assert lines_until(process, "END") == ["START 1_loopscan loopscan 3 0.1", "END 1_loopscan"]
        redis_client.flushall()
        replay(Recording(captures / "loopscan10" / "timeline.jsonl.gz"), redis_client)
        key = "demo_session:data:id00:bliss:raw:visitor:hg123:loopscan10:loopscan10_0001:1_loopscan"
        text = (one_scan + channel).replace(there, here).replace("ctl:diode", "timer:epoch")
        (tmp_path / "again").mkdir()
        with running(text, redis_url, tmp_path / "again") as process:
            lines = process.communicate(timeout=60)[0].splitlines()
        assert lines[0] == key
        assert sum("points 0 to 9" in line for line in lines) == 7
        assert any(re.match(r"10 \d+\.\d+ \[", line) for line in lines), "length, last point, all points"


def points_in(path: Path) -> int:
    """Of the diode, as far as a plain reader sees them."""
    try:
        with h5py.File(path, locking=False) as file:
            return len(file["1.1/measurement/diode"])
    except (OSError, KeyError, RuntimeError):
        return 0
