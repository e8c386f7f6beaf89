"""The watchers of the data bus' documentation, as they are printed there but for the import lines."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.data_room.test_beacon import fake_beacon, message
from tests.data_room.test_watch_documents import is_listening, printed_until, publish
from tests.waiting import wait_until

IMPORTS = """
from gevent import monkey

monkey.patch_all(thread=False)

import gevent
from collections import Counter
from pprint import pprint
from nexus_writer.data import get_node, get_session_node
from nexus_writer.data.watch import scan_uris
"""

PRINTED = """
def session_watcher(session_name, **kw):
    session = get_session_node(session_name)
    scan_types = ("scan", "scan_group")
    scans = dict()
    print("Start data processing ...", flush=True)

    try:
        for ev in session.walk_on_new_events(exclude_children=scan_types, wait=True):
            if ev.type == ev.type.END_SCAN:
                scans.pop(ev.node.db_name).get()
            elif ev.type == ev.type.NEW_NODE and ev.node.type=="scan":
                scans[ev.node.db_name] = gevent.spawn(scan_watcher, ev.node.db_name)
    except KeyboardInterrupt:
        for scan in scans.values():
            scan.kill()
    print("Data processing stopped", flush=True)

def scan_watcher(scan_name):
    scan = get_node(scan_name)
    print("\\nSTART", scan.name, flush=True)

    print(" URI:", scan_uris(scan), flush=True)

    events = Counter()
    for ev in scan.walk_events(wait=True):
        events[ev.type] += 1
        if ev.type == ev.type.END_SCAN:
            break

    pprint(events)
    print("END", scan.name, flush=True)
"""

OURS = "from nexus_writer.data.watch import session_watcher\n"

CALL = """
import os

os.environ["BEACON_HOST"] = "{beacon}"
os.environ["TANGO_HOST"] = "localhost:10000"

session_watcher("demo_session")
"""


def interrupted(process: subprocess.Popen[str]) -> str:
    """The rest of what it prints. Python drops a Ctrl-C that comes within a ``__del__``: it is sent again."""
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=20)[0]  # a second one ends it before it has ended itself
    raise AssertionError("Ctrl-C did not end it")


@pytest.mark.parametrize("watchers", [IMPORTS + PRINTED, OURS], ids=["printed", "ours"])
def test_the_printed_programs(
    watchers: str, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    port = redis_url.rpartition(":")[2].partition("/")[0].encode()
    environment = {name: value for name, value in os.environ.items() if name != "NEXUS_WRITER_REDIS_URL"}
    with fake_beacon(lambda kind, payload: message(34, payload + b"localhost|" + port)) as beacon:
        program = watchers + CALL.replace("{beacon}", beacon.address)
        command = [sys.executable, "-u", "-c", program]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            wait_until(lambda: is_listening(redis_client), "listening")
            scan = publish(redis_client, tmp_path)
            printed = printed_until(process, "END 1_")
            printed += interrupted(process)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert beacon.questions
    assert re.fullmatch(
        r"Start data processing \.\.\.\n"
        r"\nSTART 1_loopscan\n"
        rf" URI: \['{re.escape(scan.filename)}::/1\.1'\]\n"
        r"Counter\(\{<EventType\.NEW_NODE: 1>: 5,\n(.*\n){2}.*\}\)\n"
        r"END 1_loopscan\n"
        r"\n?Data processing stopped\n",
        printed,
    )
    for kind in ("NEW_DATA: 2>: 1", "PREPARED_SCAN: 4>: 1", "END_SCAN: 3>: 1"):
        assert f"<EventType.{kind}" in printed
