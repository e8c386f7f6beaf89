"""A real blissdata 0.3 client; run by the tests in an environment of its own.

python blissdata_client.py HOST:PORT SESSION all    prints one JSON document: what is there
python blissdata_client.py HOST:PORT SESSION live   prints "ready", then one line of JSON per new event,
                                                    and ends with the first END_SCAN
python blissdata_client.py HOST:PORT SESSION names  prints one JSON document: what its functions answer
python blissdata_client.py HOST:PORT SESSION watch  as live, what a ScansWatcher tells its observer
python blissdata_client.py HOST:PORT SESSION make   makes a session with a scan by the functions for that
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
from blissdata.data import node as nodes
from blissdata.data.node import get_node, get_session_node
from blissdata.data.scan import ScansObserver, ScansWatcher
from blissdata.redis.manager import RedisAddress, RedisConnectionManager
from blissdata_questions import answers, jsonable


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


def print_names(session):
    print(json.dumps(answers(session, nodes)))


class Printer(ScansObserver):
    """Prints what it is told."""

    def on_scan_created(self, scan_db_name, scan_info):
        self.tell("created", scan_db_name, scan_info["title"])

    def on_scan_started(self, scan_db_name, scan_info):
        self.tell("started", scan_db_name, scan_info["title"])

    def on_child_created(self, scan_db_name, node):
        self.tell("child", scan_db_name, node.db_name)

    def on_scalar_data_received(self, scan_db_name, channel_name, index, data_bunch):
        self.tell("scalar", scan_db_name, channel_name, index, jsonable(data_bunch))

    def on_ndim_data_received(self, scan_db_name, channel_name, dim, index, data_bunch):
        self.tell("ndim", scan_db_name, channel_name, dim, index, jsonable(data_bunch))

    def on_lima_ref_received(self, scan_db_name, channel_name, dim, source_node, event_data):
        self.tell("lima", scan_db_name, channel_name, dim, event_data.description["last_image_ready"])

    def on_scan_finished(self, scan_db_name, scan_info):
        self.tell("finished", scan_db_name, scan_info["state"])

    def tell(self, *what):
        print(json.dumps(what), flush=True)


def print_watch(session):
    watcher = ScansWatcher(session.name)
    watcher.set_exclude_existing_scans(True)
    watcher.set_observer(Printer())
    gevent.spawn(watcher.run)
    watcher.wait_ready()
    print("ready", flush=True)
    gevent.sleep(60)


def make(session):
    """A scan with a channel, a camera and references, that ends without an exception."""
    session = nodes.get_or_create_node(session.db_name, node_type="container")
    dataset = nodes.create_node("sample_0001", "dataset", parent=session, info={"Sample_name": "iron"})
    scan = nodes.create_node("1_scan", "scan", parent=dataset, info={"title": "a scan", "save": False})
    device = nodes.create_node("timer", None, parent=scan)
    more = {"shape": (), "dtype": float, "unit": "V"}
    channel = nodes.create_node("diode", "channel", parent=device, channel_name="timer:diode", **more)
    camera = nodes.create_node("image", "lima", parent=device, channel_name="timer:image", shape=(4, 6))
    references = nodes.create_node("scans", "node_ref_channel", parent=scan, dtype=str, shape=())
    scan.prepared({"positioners": {"start": {"samx": 1.0}}})
    description = {"reference": False, "dtype": float, "shape": (), "unit": "V"}
    for data in (0.5, np.array([1.5, 2.5]), [3.5]):
        channel.store({"description": description, "data": data})
    saving = {"saving_mode": "AUTO_FRAME", "saving_directory": "/data", "saving_format": "HDF5"}
    saving.update(saving_frame_per_file=2, saving_frame_per_acquisition=0, saving_prefix="cam_")
    saving.update(saving_suffix=".h5", user_detector_name="cam", lima_version="1.9.10")
    camera.store({"data": {"in_prepare": True, "server_url": "//lima"}, "description": saving})
    camera.store({"data": {"last_image_ready": 2}})
    references.store({"description": {**description, "dtype": str, "reference": True}, "data": scan.db_name})
    scan.end({"positioners": {"end": {"samx": 2.0}}})


def main():
    address, session_name, mode = sys.argv[1:]
    manager = RedisConnectionManager({db: RedisAddress.factory(address) for db in (0, 1)})
    set_default_redis_connection_manager_callback(lambda: manager)
    session = get_session_node(session_name)
    modes = {"all": print_all, "live": print_live, "names": print_names, "watch": print_watch, "make": make}
    modes[mode](session)


if __name__ == "__main__":
    main()
