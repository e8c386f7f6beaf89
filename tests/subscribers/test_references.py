"""Sequences and groups: scans that refer to other scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.info import RawInfo
from nexus_writer.data.keys import REFERENCE_TYPE
from nexus_writer.data.publishing import ChannelSpec, DatasetPublisher
from nexus_writer.data.scan_items import NodeAdded, ScanPoints
from nexus_writer.model.limits import MOST_REFERENCES
from nexus_writer.subscribers import NexusSessionWriter
from nexus_writer.subscribers.references import References
from tests.data_room.by_hand import HandPublisher, add_entry
from tests.session_scans import all_saved, finished, links_in, run_scan, saved, until

Maker = Callable[..., NexusSessionWriter]


def test_scans_of_a_sequence_in_its_own_file_are_not_linked(
    writer_with: Maker, sample: DatasetPublisher
) -> None:
    writer = writer_with()
    with sample.sequence("my_sequence", ChannelSpec("temperature", float, unit="K")) as sequence:
        for number in range(3):
            sequence.add(run_scan(sample))
            sequence["temperature"].publish(20.0 + number)
    all_saved(writer, 4)
    scan = saved(writer, sequence.key)
    with h5py.File(scan.filename) as file:
        assert sorted(file) == ["1.1", "2.1", "3.1", "4.1"]
        instrument = file["1.1/instrument"]
        assert instrument.keys() >= {"temperature", "scan_numbers"}
        assert "scans" not in instrument
        assert instrument["scan_numbers"].attrs["NX_class"] == "NXpositioner"
        assert instrument["scan_numbers/value"][()].tolist() == [2, 3, 4]
        assert instrument["scan_numbers/value"].chunks == (512,)
        assert file["1.1/measurement/temperature"][()].tolist() == [20, 21, 22]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert "warnings" not in file["1.1/writer"]
        assert set(file["1.1/writer/points/channel"].asstr()) == {"scan_numbers", "temperature"}
    assert links_in(scan.filename) == {}


def test_a_group_of_past_scans_in_other_files(
    writer_with: Maker, session: SessionPublisher, sample: DatasetPublisher, tmp_path: Path
) -> None:
    writer = writer_with()
    other = session.dataset(tmp_path, "hg123", "other")
    past = [run_scan(sample), run_scan(sample), run_scan(other)]
    unsaved = run_scan(other, save=False)
    foreign = run_scan(other, data_writer="hdf5")
    all_saved(writer, 5)
    with other.sequence("my_group") as group:
        group.add(*past, unsaved, foreign)
    scan = saved(writer, group.key)
    assert scan.uris == [f"{scan.filename}::/3.1"]
    assert links_in(scan.filename) == {
        "2.1": ("../../sample/sample_0001/sample_0001.h5", "/2.1"),
    }
    with h5py.File(scan.filename) as file:
        assert any("something else is 1.1 there" in text for text in file["3.1/writer/warnings"].asstr()[()])
        assert file["3.1"]["instrument/scan_numbers/data"][()].tolist() == [1, 2, 1, 1, 2]
        assert file["2.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]


def test_a_name_that_is_taken_costs_the_link_and_not_the_sequence(
    writer_with: Maker, session: SessionPublisher, sample: DatasetPublisher, tmp_path: Path
) -> None:
    writer = writer_with()
    other = session.dataset(tmp_path, "hg123", "other")
    first = run_scan(sample)
    with other.sequence("my_group") as group:  # is 1.1 itself
        group.add(first)
    scan = saved(writer, group.key)
    with h5py.File(scan.filename) as file:
        assert file["1.1/title"].asstr()[()] == "my_group"
        [warning] = file["1.1/writer/warnings"].asstr()[()]
    assert "something else is 1.1 there" in warning


def test_a_scan_that_is_gone_from_redis_costs_a_warning(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    writer = writer_with()
    gone = run_scan(sample)
    saved(writer, gone.key)
    redis_client.delete(gone.key, f"{gone.key}_info")
    with sample.sequence("my_group") as group:
        group.add(gone)
    scan = saved(writer, group.key)
    assert any("is gone from Redis" in text for text in scan.status().progress.warnings)


def test_links_are_there_while_the_sequence_runs_and_move_when_a_scan_needs_the_name(
    writer_with: Maker, session: SessionPublisher, sample: DatasetPublisher, tmp_path: Path
) -> None:
    """Scan 2 of another dataset is linked as 2.1; then this dataset gets a scan 2 of its own."""
    writer = writer_with()
    other = session.dataset(tmp_path, "hg123", "other")
    run_scan(sample)
    second = run_scan(sample)
    with other.sequence("my_sequence") as sequence:
        sequence.add(second)
        path = other.policy.filename
        target = ("../../sample/sample_0001/sample_0001.h5", "/2.1")
        until(lambda: path.exists() and links_in(path) == {"2.1": target}, "linked")
        own = saved(writer, run_scan(other, npoints=3).key)
        assert any("2.1 was a link to" in text for text in own.status().progress.warnings)
        sequence.add(second)
    assert finished(writer, sequence.key).state.name == "OFF"
    assert links_in(path) == {"sample_sample_0001_sample_0001_2.1": target}
    with h5py.File(path) as file:
        assert len(file["2.1/measurement/diode"]) == 3
        assert len(file["sample_sample_0001_sample_0001_2.1/measurement/diode"]) == 5


@pytest.mark.parametrize("entry_name", ["{scan_nb}.{subscan}", "scan_{scan_nb:04d}_{subscan}"])
def test_with_a_file_for_each_scan_a_sequence_links_all_of_its_scans(
    writer_with: Maker, sample: DatasetPublisher, entry_name: str
) -> None:
    writer = writer_with(entry_name=entry_name)
    sample.writer_options["separate_scan_files"] = True
    with sample.sequence("my_sequence") as sequence:
        for _ in range(2):
            sequence.add(run_scan(sample))
    all_saved(writer, 3)
    own, *names = [entry_name.format(scan_nb=number, subscan=1) for number in (1, 2, 3)]
    directory = sample.policy.directory
    assert links_in(directory / "scan0001" / "bliss_master.h5") == {
        name: (f"../scan{number:04d}/bliss_master.h5", f"/{name}") for number, name in enumerate(names, 2)
    }
    assert links_in(sample.policy.filename) == {
        name: (f"scan{number:04d}/bliss_master.h5", f"/{name}")
        for number, name in enumerate((own, *names), 1)
    }


def test_what_nobody_refers_to_costs_no_time(redis_client: redis.Redis) -> None:
    """References by the million, numbers among them, as no sequence has them."""
    channel = HandPublisher(redis_client).channel("session:1_sequence", "scans")
    many = np.array([f"session:{number}_scan" for number in range(2 * MOST_REFERENCES)], object)
    add_entry(redis_client, channel, 0, len(many), many)
    add_entry(redis_client, channel, len(many), 3, np.arange(3.0))
    entries = [
        [index, [part for field in fields.items() for part in field]]
        for index, fields in redis_client.xrange(f"{channel}_data")
    ]
    references = References()
    references.among([NodeAdded(channel, REFERENCE_TYPE, "scans", "session:1_sequence", RawInfo({}))])
    found = references.among([ScanPoints([(channel, entries)], 0.0)])
    assert found == many[:MOST_REFERENCES].tolist()
    assert references.among([ScanPoints([(channel, entries)], 0.0)]) == []
