"""A real blissdata 0.3 client; run by the tests in an environment of its own.

python blissdata_client.py HOST:PORT SESSION all    prints one JSON document: what is there
python blissdata_client.py HOST:PORT SESSION live   prints "ready", then one line of JSON per new event,
                                                    and ends with the first END_SCAN
"""

# ruff: noqa: E402 - nothing may be imported before gevent has patched
from gevent import monkey

monkey.patch_all(thread=False)

import json
import sys

import gevent
import gevent.queue  # blissdata.streaming uses it without importing it
import numpy as np
from blissdata.client import set_default_redis_connection_manager_callback
from blissdata.data.node import get_node, get_session_node
from blissdata.redis.manager import RedisAddress, RedisConnectionManager


def jsonable(value):
    if isinstance(value, dict):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(one) for one in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return {"dtype": value.dtype.str, "values": jsonable(value.tolist())}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return repr(value)


def node_as_dict(node):
    fields = {
        "type": node.type,
        "name": node.name,
        "key": node.db_name,
        "info": jsonable(node.info.get_all()),
    }
    fields["parent"] = None if node.parent is None else node.parent.db_name
    if node.type == "channel":
        fields.update(shape=list(node.shape), dtype=np.dtype(node.dtype).str, unit=node.unit, len=len(node))
        fields["all"] = jsonable(node.get(0, -1))
        fields["last"] = jsonable(node.get(-1))
    if node.type == "lima":
        fields["references"] = jsonable(node.get(0, -1).all_image_references())
    return fields


def event_as_dict(event):
    fields = {"event": event.type.name, "key": event.node.db_name}
    if event.data is not None:
        fields["first_index"] = event.data.first_index
        fields["data"] = jsonable(event.data.data)
        fields["description"] = jsonable(event.data.description)
        fields["block_size"] = event.data.block_size
    return fields


def print_all(session):
    nodes = [node_as_dict(node) for node in session.walk(wait=False)]
    events = [event_as_dict(event) for event in session.walk_events(wait=False)]
    scans = [node for node in nodes if node["type"] == "scan"]
    again = [get_node(scan["key"]).name for scan in scans]
    print(json.dumps({"nodes": nodes, "events": events, "scans": again}))


def print_live(session):
    started = gevent.event.Event()
    events = gevent.queue.Queue()

    def follow():
        for event in session.walk_on_new_events(started_event=started):
            events.put(event)

    follower = gevent.spawn(follow)
    started.wait()
    print("ready", flush=True)
    while True:
        event = events.get()
        print(json.dumps(event_as_dict(event)), flush=True)
        if event.type.name == "END_SCAN":
            break
    follower.kill()


def main():
    address, session_name, mode = sys.argv[1:]
    manager = RedisConnectionManager({db: RedisAddress.factory(address) for db in (0, 1)})
    set_default_redis_connection_manager_callback(lambda: manager)
    session = get_session_node(session_name)
    {"all": print_all, "live": print_live}[mode](session)


if __name__ == "__main__":
    main()
