"""Names and classes as the classic writer chose them, read from its files."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from nexus_writer.layout import LayoutOptions, Places
from nexus_writer.model import Scan
from nexus_writer.model.entry_names import entry_name
from tests.model.scan_infos import scan_info, scan_key

CAPTURES = Path(__file__).parent.parent / "data" / "captures"

RECORDED = {
    "loopscan": "loopscan10",
    "metadata_ascan": "metadata",
    "two_masters": "two_masters",
    "amesh": "amesh",
    "units_modes_ascan": "units_modes",
    "sequence": "sequence",
}


@pytest.mark.parametrize(("info_name", "capture"), RECORDED.items())
def test_places_are_those_of_the_classic_writer(info_name: str, capture: str) -> None:
    info = scan_info(info_name)
    scan = Scan.from_info(info, scan_key(info))
    files = list((CAPTURES / capture / "files").glob(f"**/{Path(scan.filename).name}"))
    with h5py.File(files[0]) as file:
        for subscan in scan.subscans:
            entry = file[entry_name(scan, subscan)]
            places = Places(scan, subscan, LayoutOptions())
            links = set()
            for channel in subscan.channels:
                if channel.name == "scans":  # references to other scans, not saved
                    continue
                place = places[channel.name]
                assert entry["instrument"][place.group].attrs["NX_class"] == place.nx_class
                recorded = set(entry["instrument"][place.group])
                assert places.members(place.group) == recorded - {"type", "mode"}
                target = entry["measurement"].get(place.link, getlink=True).path
                assert target == f"/{entry_name(scan, subscan)}/instrument/{place.group}/{place.dataset}"
                links.add(place.link)
            assert links == set(entry["measurement"])
