"""A session and the datasets in which it saves, published as BLISS does.

    session = SessionPublisher(client, "demo_session")
    dataset = session.dataset("/data/visitor", "hg123", "sample", "0001")

Redis holds what is above the scans as a chain of containers; the key of each is the key above it, a colon,
and its name.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import redis

from nexus_writer import __version__
from nexus_writer.data import keys
from nexus_writer.data.session_name import check_session_name

from .chain import ChannelSpec, PlacedDevice, chain_info, counters_info, placed
from .nodes import NodePublisher, scan_keys
from .scan import NODE_TTL_S, STREAM_MAX_ENTRIES, ScanPublisher, ScanSpec, positions_info, time_fields
from .sequence import SequencePublisher, sequence_spec

_NOT_OF_SEQUENCES = ("type", "npoints", "count_time", "sleep_time")


@dataclass(frozen=True, slots=True)
class Policy:
    """Where a dataset lies on disk, and what the writer is told of it."""

    name: str
    directory: Path
    filename: Path
    masterfiles: Mapping[str, str] = field(default_factory=dict)


class SessionPublisher:
    """A session in Redis; nothing else may publish into it at the same time.

    ``stream_max_entries`` is the number of events that Redis keeps of a channel, about; None keeps all.
    Raises NotAClient, BadSessionName.
    """

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        *,
        beamline: str = "id00",
        stream_max_entries: int | None = STREAM_MAX_ENTRIES,
    ) -> None:
        check_session_name(name)
        self.name = name
        self.beamline = beamline
        self.stream_max_entries = stream_max_entries
        self.nodes = NodePublisher(client)
        self.nodes.get_or_create(name, "container", parent=None)

    def dataset(
        self,
        base_path: Path | str,
        proposal: str,
        collection: str,
        dataset: str = "0001",
        *,
        proposal_session: str = "20260101",
        metadata: Mapping[str, Any] | None = None,
    ) -> DatasetPublisher:
        """A dataset of the ESRF's data policy; ``metadata`` are ICAT fields (Sample_name ...).

        One that was closed is open again, and does not expire: the numbers of its scans go on.
        """
        proposal_path = Path(base_path) / proposal / self.beamline / proposal_session
        raw = proposal_path / "RAW_DATA"
        name = f"{collection}_{dataset}"
        directory = raw / collection / name
        masterfiles = {
            "dataset_collection": str(raw / collection / f"{proposal}_{collection}.h5"),
            "proposal": str(raw / f"{proposal}_{self.beamline}.h5"),
        }
        key = self._containers(_parts(base_path))
        for child, node_type, path, label in (
            (proposal, "proposal", proposal_path, proposal),
            (collection, "dataset_collection", raw / collection, collection),
            (name, "dataset", directory, dataset),
        ):
            info: dict[str, Any] = {"__name__": label, "__path__": str(path)}
            if node_type == "dataset":
                info = {"startDate": datetime.now(), **info, "__closed__": False, "__registered__": False}
                info |= metadata or {}
            is_new = self.nodes.get_or_create(f"{key}:{child}", node_type, parent=key, info=info)
            key = f"{key}:{child}"
        if not is_new:
            self._open_again(key)
        policy = Policy("ESRF", directory, directory / f"{name}.h5", masterfiles)
        return DatasetPublisher(self, key, policy)

    def directory(self, path: Path | str, filename: str = "data.h5") -> DatasetPublisher:
        """A directory of the basic data policy, which knows no proposals."""
        key = self._containers([part for part in _parts(path) if part != self.name])
        return DatasetPublisher(self, key, Policy("None", Path(path), Path(path) / filename))

    def _open_again(self, dataset: str) -> None:
        with self.nodes.client.pipeline(transaction=True) as pipeline:
            self.nodes.update_info(dataset, {"__closed__": False}, pipeline)
            for key in _keys_of_dataset(dataset):
                pipeline.persist(key)
            pipeline.execute()

    def _containers(self, names: list[str]) -> str:
        key = self.name
        for name in names:
            self.nodes.get_or_create(f"{key}:{name}", "container", parent=key)
            key = f"{key}:{name}"
        return key


class DatasetPublisher:
    """Where scans are published and saved: a dataset, or a directory with the basic policy.

    ``writer_options`` are for scans to come, as SCAN_SAVING.writer_object has them: ``chunk_options``
    (compression_scheme, chunk_nbytes, chunk_split, compression_limit_nbytes) and ``separate_scan_files``.
    """

    writer_options: dict[str, Any]

    def __init__(self, session: SessionPublisher, key: str, policy: Policy) -> None:
        self.session = session
        self.key = key
        self.policy = policy
        self.writer_options = {"chunk_options": {}, "separate_scan_files": None}

    def scan(self, spec: ScanSpec, *, filename: Path | str | None = None) -> ScanPublisher:
        """Announce a scan. It is saved in the dataset's file unless a ``filename`` is given ("" for none)."""
        number = self._next_number(spec.save)
        key = f"{self.key}:{'' if spec.save else '_'}{number}_{spec.type}"
        scan = ScanPublisher(
            self.session.nodes,
            key,
            self.key,
            spec,
            self._info(spec, number, self.policy.filename if filename is None else filename),
            stream_max_entries=self.session.stream_max_entries,
            keep_nodes=self.policy.name == "ESRF",
        )
        scan.announce()
        return scan

    def sequence(self, title: str, *channels: ChannelSpec) -> SequencePublisher:
        """Announce a sequence with ``channels`` of its own, ready to refer to scans."""
        return SequencePublisher(self.scan(sequence_spec(title, channels)))

    def close(self) -> None:
        """No more scans: the dataset and its scans, whoever published them, may expire, a day from now."""
        nodes = self.session.nodes
        nodes.update_info(self.key, {"endDate": datetime.now(), "__closed__": True})
        scans = self._scans()
        with nodes.client.pipeline(transaction=True) as pipeline:
            for key in (*_keys_of_dataset(self.key), *(key for scan in scans for key in scan_keys(scan))):
                pipeline.expire(key, NODE_TTL_S)
            pipeline.execute()

    def _scans(self) -> list[str]:
        """Keys of all that Redis has."""
        client = self.session.nodes.client
        events: Any = client.xrange(keys.children_list(self.key))
        children = [fields[keys.DB_NAME_FIELD] for _, fields in events]
        with client.pipeline(transaction=False) as pipeline:
            for child in children:
                pipeline.hget(child, "node_type")
            types = pipeline.execute()
        scans = {kind.encode() for kind in keys.SCAN_TYPES}
        return [keys.to_text(child) for child, kind in zip(children, types, strict=True) if kind in scans]

    def _next_number(self, save: bool) -> int:
        """Scans that are not saved have numbers of their own."""
        client, node = self.session.nodes.client, keys.to_bytes(self.key)
        if save and client.hsetnx(node, "last_scan_number", "1"):
            return 1
        return int(client.hincrby(node, "last_scan_number" if save else "last_shadow_scan_number", 1))

    def _info(self, spec: ScanSpec, number: int, filename: Path | str) -> dict[str, Any]:
        devices = placed(spec.chain)
        info: dict[str, Any] = {
            "type": spec.type,
            "save": spec.save,
            "sleep_time": None,
            "npoints": spec.npoints,
            "count_time": spec.count_time_s,
            "title": spec.title or spec.type,
            "_display_extra": {"plotselect": []},
            **spec.fields,
            "session_name": self.session.name,
            "user_name": getpass.getuser(),
            "data_writer": spec.data_writer,
            "writer_options": dict(self.writer_options),
            "data_policy": self.policy.name,
            "shadow_scan_number": not spec.save,
            "publisher": "nexus-writer",
            "publisher_version": __version__,
            **chain_info(devices),
            "scan_nb": number,
            "filename": str(filename) if spec.save else "",
            "images_path": f"{self.policy.directory}/scan{number:04d}/{{img_acq_device}}_",
            **time_fields("start", time.time()),
        }
        if spec.node_type != "scan":
            info = {name: value for name, value in info.items() if name not in _NOT_OF_SEQUENCES}
        if not spec.save:
            return info
        categories = self._categories(spec, devices)
        return {**info, **categories, "scan_meta_categories": list(categories)}

    def _categories(self, spec: ScanSpec, devices: Sequence[PlacedDevice]) -> dict[str, Any]:
        """Metadata by category, what the session tells the writer among them."""
        masterfiles = dict(self.policy.masterfiles)
        if self.writer_options["separate_scan_files"]:
            masterfiles["dataset"] = str(self.policy.filename)
        categories: dict[str, Any] = {
            "instrument": {"@NX_class": "NXinstrument"},
            "positioners": positions_info(spec.positions(), "start"),
            "technique": {"@NX_class": "NXcollection"},
            "nexuswriter": {
                "instrument_info": {
                    "name": f"ESRF-{self.session.beamline}",
                    "name@short_name": self.session.beamline,
                },
                "devices": counters_info(devices),
                "technique": {"name": "undefined", "applications": {}, "plots": {}, "plotselect": ""},
                "masterfiles": masterfiles,
            },
        }
        for name, fields in spec.categories.items():
            categories[name] = {**categories.get(name, {}), **fields}
        return categories


def _keys_of_dataset(key: str) -> tuple[bytes, ...]:
    return keys.to_bytes(key), keys.info(key), keys.children_list(key)


def _parts(path: Path | str) -> list[str]:
    return [part for part in Path(path).parts if part != "/"]
