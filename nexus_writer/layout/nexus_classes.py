"""Which groups NeXus has, and where: facts of its base classes (definitions 2025)."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_CLASS = "NXcollection"
"""Allowed everywhere, and takes everything."""

_EVERYWHERE = frozenset({DEFAULT_CLASS, "NXdata", "NXlog", "NXnote", "NXparameters"})

KNOWN = _EVERYWHERE | frozenset(
    f"NX{name}"
    for name in [
        "aberration",
        "activity",
        "actuator",
        "aperture",
        "atom",
        "attenuator",
        "beam",
        "beam_stop",
        "beam_transfer_matrix_table",
        "bending_magnet",
        "calibration",
        "capillary",
        "chemical_composition",
        "circuit",
        "cite",
        "collimator",
        "component",
        "coordinate_system",
        "crystal",
        "cylindrical_geometry",
        "deflector",
        "detector",
        "detector_channel",
        "detector_group",
        "detector_module",
        "disk_chopper",
        "distortion",
        "electromagnetic_lens",
        "electron_detector",
        "electronanalyzer",
        "energydispersion",
        "entry",
        "environment",
        "event_data",
        "fabrication",
        "fermi_chopper",
        "filter",
        "fit",
        "fit_function",
        "flipper",
        "fresnel_zone_plate",
        "geometry",
        "grating",
        "guide",
        "history",
        "image",
        "insertion_device",
        "instrument",
        "manipulator",
        "mirror",
        "moderator",
        "monitor",
        "monochromator",
        "object",
        "off_geometry",
        "optical_lens",
        "optical_window",
        "orientation",
        "pdb",
        "peak",
        "phase",
        "pid_controller",
        "pinhole",
        "polarizer",
        "positioner",
        "process",
        "program",
        "pump",
        "reflections",
        "registration",
        "resolution",
        "roi_process",
        "rotations",
        "sample",
        "sample_component",
        "scan_controller",
        "sensor",
        "shape",
        "slit",
        "source",
        "spectrum",
        "spindispersion",
        "subentry",
        "transformations",
        "translation",
        "unit_cell",
        "user",
        "velocity_selector",
        "waveplate",
        "xraylens",
    ]
)
"""Classes that a group may have; those of electron microscopes and atom probes are left out."""

_TAKE_ALL = frozenset({DEFAULT_CLASS, "NXtransformations"})
_COMPONENT = "environment fabrication program transformations"
_OPTICS = f"{_COMPONENT} geometry off_geometry"
_CHILDREN: Mapping[str, str] = {
    **dict.fromkeys(
        [
            "deflector",
            "electromagnetic_lens",
            "electron_detector",
            "flipper",
            "fresnel_zone_plate",
            "manipulator",
            "pinhole",
            "polarizer",
            "pump",
            "sample_component",
            "slit",
            "waveplate",
        ],
        _COMPONENT,
    ),
    "actuator": f"{_COMPONENT} pid_controller",
    "aperture": f"{_OPTICS} positioner",
    "attenuator": _COMPONENT,
    "beam_stop": f"{_OPTICS} cylindrical_geometry",
    "bending_magnet": _OPTICS,
    "capillary": _COMPONENT,
    "collimator": _OPTICS,
    "crystal": _OPTICS,
    "detector": f"{_COMPONENT} detector_module geometry",
    "disk_chopper": _OPTICS,
    "entry": "instrument monitor process sample subentry user",
    "environment": "actuator sensor",
    "fermi_chopper": _OPTICS,
    "filter": _OPTICS,
    "geometry": "orientation shape translation",
    "grating": f"{_COMPONENT} off_geometry",
    "guide": _OPTICS,
    "history": "activity",
    "insertion_device": _OPTICS,
    "instrument": (
        "actuator aperture attenuator beam beam_stop bending_magnet capillary collimator crystal detector"
        " detector_group disk_chopper environment event_data fabrication fermi_chopper filter flipper guide"
        " history insertion_device mirror moderator monochromator polarizer positioner sensor source"
        " velocity_selector xraylens"
    ),
    "mirror": _OPTICS,
    "moderator": _OPTICS,
    "monitor": _OPTICS,
    "monochromator": f"{_COMPONENT} crystal grating mirror off_geometry slit velocity_selector",
    "orientation": "geometry",
    "positioner": _COMPONENT,
    "sample": f"{_COMPONENT} beam off_geometry positioner sample_component",
    "sensor": f"{_COMPONENT} off_geometry",
    "source": f"{_COMPONENT} aperture deflector electromagnetic_lens off_geometry",
    "subentry": "instrument monitor process sample user",
    "velocity_selector": f"{_COMPONENT} off_geometry",
    "xraylens": f"{_COMPONENT} off_geometry",
}
"""By the class of the group that holds them: classes that are not allowed everywhere."""

_NAMED: Mapping[str, Mapping[str, str]] = {
    "NXentry": {"experiment_documentation": "NXnote", "notes": "NXnote", "thumbnail": "NXnote"},
    "NXsubentry": {"experiment_documentation": "NXnote", "notes": "NXnote", "thumbnail": "NXnote"},
    "NXdetector": {"calibration_method": "NXnote", "data_file": "NXnote", "efficiency": "NXdata"},
    "NXattenuator": {"shape": "NXoff_geometry"},
    "NXbending_magnet": {"spectrum": "NXdata"},
    "NXcapillary": {"gain": "NXdata", "transmission": "NXdata"},
    "NXcrystal": {
        "reflectivity": "NXdata",
        "shape": "NXshape",
        "temperature_log": "NXlog",
        "transmission": "NXdata",
    },
    "NXfilter": {"sensor_type": "NXsensor", "temperature_log": "NXlog", "transmission": "NXdata"},
    "NXinsertion_device": {"spectrum": "NXdata"},
    "NXmirror": {"figure_data": "NXdata", "reflectivity": "NXdata", "shape": "NXshape"},
    "NXmonitor": {"integral_log": "NXlog"},
    "NXenvironment": {"position": "NXgeometry"},
    "NXgrating": {"figure_data": "NXdata", "shape": "NXshape"},
    "NXguide": {"reflectivity": "NXdata"},
    "NXmonochromator": {
        "distribution": "NXdata",
        "entrance_slit": "NXaperture",
        "exit_slit": "NXaperture",
        "geometry": "NXgeometry",
    },
    "NXsample": {
        "external_ADC": "NXlog",
        "geometry": "NXgeometry",
        "history": "NXhistory",
        "magnetic_field": "NXlog",
        "magnetic_field_env": "NXenvironment",
        "magnetic_field_log": "NXlog",
        "temperature_env": "NXenvironment",
        "temperature_log": "NXlog",
        "transmission": "NXdata",
    },
    "NXsensor": {"geometry": "NXgeometry", "value_log": "NXlog"},
    "NXsource": {
        "bunch_pattern": "NXdata",
        "distribution": "NXdata",
        "geometry": "NXgeometry",
        "notes": "NXnote",
        "pulse_shape": "NXdata",
    },
}


def class_of_name(parent: str, name: str) -> str | None:
    """The class that a group of this name in one of the class ``parent`` must have; None for any."""
    return _NAMED.get(parent, {}).get(name)


def is_allowed(nx_class: str, parent: str) -> bool:
    """Whether a group of the class ``parent`` may hold one of ``nx_class``."""
    if nx_class not in KNOWN:
        return False
    children = _CHILDREN.get(parent.removeprefix("NX"), "").split()
    return nx_class in _EVERYWHERE or parent in _TAKE_ALL or nx_class.removeprefix("NX") in children
