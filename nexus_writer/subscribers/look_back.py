"""Scans that began before their writer did: those that Redis still holds, and their file does not."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.connection import server_time_ms
from nexus_writer.data.existing import LAST, ExistingNode, existing_nodes
from nexus_writer.data.link import Link
from nexus_writer.data.nodes import DataNode
from nexus_writer.data.stream_id import parsed
from nexus_writer.hdf5 import FileBroken, Hdf5Error

from .errors import NotSaved
from .options import WriterOptions
from .scan_consumer import ScanConsumer
from .scan_found import ScanFound, find_scan
from .writer_thread import WriterThread

logger = logging.getLogger(__name__)


def scans_to_save(
    session: DataNode,
    client: redis.Redis,
    options: WriterOptions,
    writer: WriterThread,
    known: Container[str],
) -> Iterator[ExistingNode]:
    """The scans of a session that run, or ended within ``look_back_s``, and are not complete in their file.

    In the order in which they were announced, without those whose keys are ``known`` already. Each costs a
    look into its file.
    """
    for scan in _recent_scans(session, client, options.look_back_s):
        if scan.node.db_name in known:
            continue
        try:
            found = find_scan(scan.node.db_name, client)
        except redis.ResponseError as error:
            logger.warning("%s cannot be looked at: %s", scan.node.db_name, error)
            continue
        if writer.thread.apply(_is_to_be_saved, scan.node.db_name, found, options, writer):
            logger.info("%s is not complete in its file: it is saved now", scan.node.db_name)
            yield scan


def _recent_scans(session: DataNode, client: redis.Redis, look_back_s: float) -> list[ExistingNode]:
    link = Link(client)
    try:
        below = existing_nodes(
            link, session, until=LAST, descend=lambda node: node.type not in keys.SCAN_TYPES
        )
        scans = sorted((one for one in below if one.is_scan), key=lambda one: parsed(one.id))
        ends: list[Any] = link.call_all(
            [(b"XREVRANGE", keys.end(scan.node.db_name), b"+", b"-", b"COUNT", 1) for scan in scans]
        )
    finally:
        link.drop()
    oldest_ms = server_time_ms(client) - look_back_s * 1000
    return [scan for scan, end in zip(scans, ends, strict=True) if not _ended_before(end, oldest_ms)]


def _ended_before(end: Any, oldest_ms: float) -> bool:
    """``end`` is the last entry of the stream that tells of it, or why Redis has no such stream."""
    return isinstance(end, list) and bool(end) and parsed(end[0][0])[0] < oldest_ms


def _is_to_be_saved(key: str, found: ScanFound, options: WriterOptions, writer: WriterThread) -> bool:
    """In the writer thread; what is saved is linked where it is not. What cannot be told now, the writing
    will meet again."""
    consumer = ScanConsumer(key, options, writer.files, writer.masters, infos=writer.infos)
    try:
        consumer.find(found)
        if consumer.scan is None or not consumer.scan.filename:
            return False
        if not consumer.is_saved():
            return True
        consumer.link()
        writer.link_later()
    except NotSaved:
        return False
    except FileBroken:
        return False
    except Hdf5Error:
        return True
    except Exception as error:
        logger.warning("%s cannot be looked at: %s: %s", key, type(error).__name__, error)
    return False
