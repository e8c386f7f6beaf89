"""Walks by blissdata 0.3.1, as often as asked; run by walk.py, in an environment of its own.

python _blissdata_walk.py HOST:PORT SESSION    reads the keys of all channels as one line of JSON; then, for
                                               each line with a number of points, walks once until the scan
                                               has ended and prints what it took as one line of JSON

The k-th channel has the points k * 1e6, k * 1e6 + 1 ...; it ends with an AssertionError where they differ.
"""

# ruff: noqa: E402 - nothing may be imported before gevent has patched
from gevent import monkey

monkey.patch_all(thread=False)

import json
import sys
import time

import gevent.queue  # noqa: F401 - blissdata.streaming uses it without importing it
import numpy as np
from blissdata.client import set_default_redis_connection_manager_callback
from blissdata.data.events import EventType
from blissdata.data.node import get_session_node
from blissdata.redis.manager import RedisAddress, RedisConnectionManager


def walk(session, number_of, points):
    found = []
    begun_s = cpu_s = None
    for event in session.walk_events():
        if begun_s is None:
            begun_s, cpu_s = time.perf_counter(), time.process_time()
        if event.type is EventType.NEW_DATA:
            found.append((event.node.db_name, event.data.first_index, event.data.data))
        elif event.type is EventType.END_SCAN:
            break
    taken = {"wall_s": time.perf_counter() - begun_s, "cpu_s": time.process_time() - cpu_s}
    read = dict.fromkeys(number_of, 0)
    for key, first, values in found:
        assert first == read[key], f"{key}: {read[key]} points, then one from {first} on"
        assert np.array_equal(values, number_of[key] * 1e6 + np.arange(first, first + len(values))), key
        read[key] += len(values)
    assert set(read.values()) == {points}, "points are missing"
    return taken


def main():
    address, session_name = sys.argv[1:]
    manager = RedisConnectionManager({db: RedisAddress.factory(address) for db in (0, 1)})
    set_default_redis_connection_manager_callback(lambda: manager)
    session = get_session_node(session_name)
    number_of = {key: number for number, key in enumerate(json.loads(sys.stdin.readline()))}
    for line in sys.stdin:
        print(json.dumps(walk(session, number_of, int(line))), flush=True)


if __name__ == "__main__":
    main()
