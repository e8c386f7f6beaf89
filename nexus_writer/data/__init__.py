"""Scans in Redis: decoding, nodes, events, walks and publishing.

The public names are loaded on first use: a program that decodes points need not import what publishes them.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULE_OF = {
    "ImageNotReady": "camera_frames",
    "ImageUnavailable": "camera_frames",
    "ImagesNotSaved": "camera_frames",
    "connect": "connection",
    "masked": "connection",
    "redis_url": "connection",
    "server_time_ms": "connection",
    "EmbeddedRedis": "embedded",
    "BadRedisUrl": "errors",
    "BeaconRefused": "errors",
    "BeaconUnreachable": "errors",
    "DataError": "errors",
    "NoRedisAddress": "errors",
    "NoSuchNode": "errors",
    "RedisRefused": "errors",
    "RedisUnreachable": "errors",
    "Undecodable": "errors",
    "UndecodablePickle": "errors",
    "Event": "events",
    "EventData": "events",
    "EventType": "events",
    "ImageReference": "image_references",
    "get_last_saved_scan": "last_scan",
    "get_last_scan_filename": "last_scan",
    "ChannelDataNode": "nodes",
    "DataNode": "nodes",
    "DataNodeContainer": "nodes",
    "DatasetCollectionNode": "nodes",
    "DatasetNode": "nodes",
    "LimaImageChannelDataNode": "nodes",
    "NodeRefChannelNode": "nodes",
    "ProposalNode": "nodes",
    "ScanGroupNode": "nodes",
    "ScanNode": "nodes",
    "create_node": "nodes",
    "datanode_factory": "nodes",
    "filter_node_names": "nodes",
    "get_data_from_nodes": "nodes",
    "get_filtered_nodes": "nodes",
    "get_node": "nodes",
    "get_nodes": "nodes",
    "get_or_create_node": "nodes",
    "get_session_node": "nodes",
    "LimaDataView": "nodes.lima_view",
    "Opaque": "pickles",
    "dumps": "pickles",
    "loads": "pickles",
    "PointDecoder": "points",
    "ChannelSpec": "publishing",
    "DatasetPublisher": "publishing",
    "DeviceSpec": "publishing",
    "ScanPublisher": "publishing",
    "ScanSpec": "publishing",
    "SessionPublisher": "publishing",
    "Recording": "recording",
    "replay": "recording",
    "NodeContent": "remote",
    "RemoteNodeWalker": "remote",
    "ScansObserver": "scan",
    "ScansWatcher": "scan",
    "scan_filename": "scan_files",
    "scan_uris": "scan_files",
    "ScanReader": "scan_reader",
    "Watch": "scan_watch",
    "sessions_list": "sessions",
    "DataStreamReaderStopHandler": "stop_handler",
    "StopHandler": "stop_handler",
    "scan_watcher": "watch",
    "session_watcher": "watch",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return __all__
