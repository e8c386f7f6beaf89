"""Log records of other processes: nothing that comes, or that handles them, ends their collection."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import pytest

from nexus_writer.acquisition import LogServer
from nexus_writer.acquisition.nodes.log_server import SCHEME, LogHandler
from tests.waiting import wait_until


@pytest.fixture
def server() -> Iterator[LogServer]:
    server = LogServer()
    yield server
    server.close()


@pytest.fixture
def far(server: LogServer) -> Iterator[logging.Logger]:
    """A logger as another process has it."""
    logger, handler = logging.Logger("far"), LogHandler(server.address)
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_numbers_that_are_none_are_no_record(
    server: LogServer, far: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ("name", "msg", "levelname", "processName", "threadName", "exc_text")
    fields = dict.fromkeys((*texts, "pathname", "filename", "module", "funcName"), "far")
    junk = {**fields, "levelno": 30, "created": 0, "process": float("nan"), "lineno": 1}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.sendto(json.dumps(junk).encode(), f"\0{server.address.removeprefix(SCHEME)}")
    far.warning("still there")
    wait_until(lambda: "still there" in caplog.text, "the record", 10)


def test_a_handler_that_fails_does_not_end_the_log(
    far: logging.Logger, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left")

    broken = Broken()
    logging.getLogger("far").addHandler(broken)
    try:
        far.warning("first")
        wait_until(lambda: "no space left" in capfd.readouterr().err, "the failure", 10)
    finally:
        logging.getLogger("far").removeHandler(broken)
    far.warning("second")
    wait_until(lambda: "second" in caplog.text, "the record", 10)


def test_a_record_that_cannot_be_sent_does_not_fail_who_logs(
    far: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    far.warning("%d samples", "many")
    assert "many" in capfd.readouterr().err
