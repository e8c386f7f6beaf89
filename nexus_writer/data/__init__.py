"""Scans in Redis: decoding, nodes, events, walks and publishing.

The public names are loaded on first use: a program that decodes points need not import what publishes them.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULE_OF = {
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
    "ImageReference": "image_references",
    "ImageNotReady": "camera_frames",
    "ImageUnavailable": "camera_frames",
    "ImagesNotSaved": "camera_frames",
    "LimaDataView": "nodes.lima_view",
    "Event": "events",
    "EventData": "events",
    "EventType": "events",
    "ChannelDataNode": "nodes",
    "DataNode": "nodes",
    "DataNodeContainer": "nodes",
    "DatasetNode": "nodes",
    "LimaImageChannelDataNode": "nodes",
    "ScanNode": "nodes",
    "get_last_saved_scan": "last_scan",
    "get_last_scan_filename": "last_scan",
    "get_node": "nodes",
    "get_nodes": "nodes",
    "get_session_node": "nodes",
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
    "scan_filename": "scan_files",
    "scan_uris": "scan_files",
    "ScanReader": "scan_reader",
    "Watch": "scan_watch",
    "sessions_list": "sessions",
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
