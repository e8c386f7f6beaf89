"""What is asked of nodes by the names of blissdata 0.3; asked of it and of us, in one program each."""

import numpy as np

FILTERS = (None, "scan", ("None", "channel"), ("dataset", "scan"))
RANGES = ((0, -1), (0, 0), (0, 3), (2, 5), (5, 20), (3, -1), (20, 30))


def jsonable(value):
    if isinstance(value, dict):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(one) for one in value]
    if isinstance(value, (np.ndarray, np.generic)):
        native = value.dtype.newbyteorder("=")  # we always give numbers of this machine
        return {"dtype": native.str, "values": jsonable(value.tolist())}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return repr(value)


def answers(session, functions, **connection):
    """About all nodes, each under a name of its own. ``functions`` has those of the module of nodes."""
    every = [session, *session.walk(wait=False)]
    keys = [node.db_name for node in every]
    told = {"last saved": functions.get_last_scan_filename(session)}
    for include in FILTERS:
        for exclude in FILTERS[:-1]:
            for strict in (True, False):
                how = {"strict_recursive_exclude": strict, **connection}
                types = {"include_types": include, "recursive_exclude_types": exclude, **how}
                filters = {"include_filter": include, "recursive_exclude": exclude, **how}
                name = f"{include} {exclude} {strict}"
                told[f"names {name}"] = list(functions.filter_node_names(*keys, "gone", **types))
                told[f"nodes {name}"] = keys_of(functions.get_filtered_nodes(*keys, "gone", **filters))
    for node in every:
        told[node.db_name] = about(node)
    return told


def about(node):
    """What a node says of itself."""
    index = node.get_children_stream_index()
    settings = [one.name for one in node.get_settings()]
    told = {
        "version": list(node.version),
        "new": node.new_node,
        "index": None if index is None else index.decode(),
        "settings": sorted(one for one in settings if one.startswith(f"{node.db_name}_")),
    }
    if node.type not in ("channel", "lima", "node_ref_channel"):
        told["children"] = keys_of(node.children())
        told["containers"] = sorted(keys_of(node.get_child_containers(exclude_children="scan")))
        last = node.get_last_child_container(include_filter="scan")
        told["last scan"] = None if last is None else last.db_name
    if node.type == "channel" and len(node):  # one without points raises IndexError there
        told["points"] = [tried(node.get, *one) for one in RANGES]
        told["point"] = [tried(node.get, index) for index in (0, 2, -1, 1000)]
        told["all"] = tried(node.__getitem__, Ellipsis)
        told["length"] = len(node)
    if node.type == "lima":
        told["per"] = [node.images_per_file, node.images_per_acquisition]
        told["references"] = tried(list, node.get(0, -1).iter_image_references())
    return told


def tried(function, *args):
    """What it gives; the class of what it raises."""
    try:
        return jsonable(function(*args))
    except Exception as error:
        return type(error).__name__


def keys_of(found):
    return [node.db_name for node in found]
