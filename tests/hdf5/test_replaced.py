"""Datasets that are made anew: what readers see, and what is left behind."""

from __future__ import annotations

import json
import time
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import EntryExists, LiveFile, ReplacedDataset, TextRows, create_group, set_attributes
from nexus_writer.hdf5.replaced import KEPT_S

from .conftest import as_after_a_kill
from .processes import running_python


def rows(count: int) -> TextRows:
    return TextRows([f"row {n}" for n in range(count)])


def replace(dataset: ReplacedDataset, live: LiveFile, count: int, **attributes: Any) -> None:
    dataset.stage(rows(count), attributes)
    live.flush()
    assert dataset.publish()
    live.flush()


def address(live: LiveFile, path: str) -> int:
    return int(h5py.h5o.get_info(live.root.id, path.encode()).addr)


def test_a_version_takes_the_name_of_the_last_one(live: LiveFile) -> None:
    dataset = ReplacedDataset(create_group(live.root, "cam", "NXdetector"), "image")
    for count in (0, 1, 5):
        replace(dataset, live, count, interpretation="image")
        with as_after_a_kill(live) as file:
            assert list(file["cam"]) == ["image"]
            assert len(file["cam/image"]) == count
            assert file["cam/image"].attrs["interpretation"] == "image"
    dataset.close()


def test_a_version_has_no_name_before_a_flush(live: LiveFile) -> None:
    dataset = ReplacedDataset(create_group(live.root, "cam", "NXdetector"), "image")
    replace(dataset, live, 1)
    dataset.stage(rows(2), {})
    live.flush()
    with as_after_a_kill(live) as file:
        assert len(file["cam/image"]) == 1
    assert dataset.publish()
    assert not dataset.publish()
    dataset.close()


def test_a_kill_between_the_two_flushes_leaves_the_last_version(live: LiveFile) -> None:
    dataset = ReplacedDataset(create_group(live.root, "cam", "NXdetector"), "image")
    replace(dataset, live, 1)
    for count in (2, 3):
        dataset.stage(rows(count), {})
        live.flush()
        with as_after_a_kill(live) as file:
            assert file["cam/image"].asstr()[()].tolist() == [f"row {n}" for n in range(count - 1)]
        dataset.publish()
        live.flush()
    dataset.close()


def test_the_place_of_an_old_version_is_not_given_away_for_a_while(live: LiveFile) -> None:
    now_s = 0.0
    dataset = ReplacedDataset(create_group(live.root, "cam", "NXdetector"), "image", clock_s=lambda: now_s)
    addresses = []
    for _ in range(10):
        replace(dataset, live, 3)
        addresses.append(address(live, dataset.path))
    assert len(set(addresses)) == len(addresses)
    for _ in range(10):
        now_s += KEPT_S + 1
        replace(dataset, live, 3)
        addresses.append(address(live, dataset.path))
    assert len(set(addresses)) < len(addresses), "places are used again later, so the file does not grow"
    dataset.close()


def test_what_others_said_of_it_is_kept(live: LiveFile) -> None:
    group = create_group(live.root, "cam", "NXdetector")
    dataset = ReplacedDataset(group, "image")
    replace(dataset, live, 1, units="counts")
    set_attributes(group["image"], {"long_name": "a camera", "numbers": np.arange(3)})
    replace(dataset, live, 2, units="photons")
    with as_after_a_kill(live) as file:
        attributes = dict(file["cam/image"].attrs)
        assert attributes.pop("numbers").tolist() == [0, 1, 2]
        assert attributes == {"units": "photons", "long_name": "a camera"}
    dataset.close()


def test_removed_leaves_nothing(live: LiveFile) -> None:
    dataset = ReplacedDataset(create_group(live.root, "cam", "NXdetector"), "image")
    replace(dataset, live, 1)
    dataset.remove()
    live.flush()
    with as_after_a_kill(live) as file:
        assert list(file["cam"]) == []


def test_a_name_that_is_taken_is_refused(live: LiveFile) -> None:
    group = create_group(live.root, "cam", "NXdetector")
    create_group(group, "image", "NXcollection")
    with pytest.raises(EntryExists):
        ReplacedDataset(group, "image")


READER = """
    import h5py, json, sys, time
    print("ready", flush=True)
    wrong, errors, reads, last = [], [], 0, {"a": 0, "b": 0}
    deadline = time.monotonic() + 60
    while reads < int(sys.argv[2]) and time.monotonic() < deadline:
        try:
            with h5py.File(sys.argv[1]) as file:
                for name in "ab":
                    texts = file["entry"][name]["image"].asstr()[()]
                    reads += 1
                    if any(text != name for text in texts) or len(texts) < last[name]:
                        wrong.append([name, list(texts)])
                    last[name] = len(texts)
        except (OSError, KeyError, RuntimeError) as error:
            errors.append(str(error))
    print(json.dumps({"wrong": wrong, "errors": errors, "reads": reads}))
"""


def test_readers_never_find_another_dataset_under_the_name(live: LiveFile, full: bool) -> None:
    entry = create_group(live.root, "entry", "NXentry")
    datasets = {name: ReplacedDataset(create_group(entry, name, "NXdetector"), "image") for name in "ab"}
    for dataset in datasets.values():
        replace(dataset, live, 0)
    with running_python(READER, live.path, 5000 if full else 1000) as reader:
        count = 0
        while reader.poll() is None:
            count += 1
            for name, dataset in datasets.items():
                dataset.stage(TextRows([name] * min(count, 50)), {})
            live.flush()
            for dataset in datasets.values():
                dataset.publish()
            live.flush()
            time.sleep(0.01)
        assert reader.stdout is not None
        found = json.loads(reader.stdout.read())
    assert found["wrong"] == []
    assert found["reads"] >= 1000
    for dataset in datasets.values():
        dataset.close()
