"""Free ports."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from nexus_writer.data import ports
from nexus_writer.data.ports import free_port


def test_a_server_can_listen_on_it_and_the_system_gives_it_to_nobody() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(20):
        port = free_port()
        assert 15_000 <= port < max(first, 32_768) or first < 16_000
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_one_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        tried = iter([taken.getsockname()[1], free])
        monkeypatch.setattr(ports._chance, "randrange", lambda *_: next(tried))
        assert free_port() == free


@pytest.mark.parametrize(("text", "stop"), [("40000\t60999\n", 40_000), ("1024\t65535\n", 65_536)])
def test_the_range_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, stop: int
) -> None:
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")
    assert ports._first_given_away() == 32_768
    (tmp_path / "range").write_text(text)
    assert ports._first_given_away() == stop
