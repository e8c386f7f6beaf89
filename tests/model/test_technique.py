"""What a session says of its technique."""

from __future__ import annotations

from nexus_writer.model import PlotRequest, Scan, Technique

from .scan_infos import scan_info


def test_technique() -> None:
    info = scan_info("amesh")
    xrf = {"class": "APPxrf", "I0": "iodet", "mca": ["det0"]}
    info["nexuswriter"]["technique"] = {
        "name": "xrf",
        "applications": {"xrf": xrf},
        "plots": {"counters": {"items": ["iodet"]}},
        "plotselect": "counters",
    }
    scan = Scan.from_info(info, "session:1_amesh")
    assert scan.technique == Technique(
        "xrf", {"xrf": xrf}, (PlotRequest("counters", ("iodet",)),), "counters"
    )
    assert scan.without_config().technique == Technique()


def test_no_technique() -> None:
    assert Scan.from_info({}, "session:1_scan").technique == Technique()
