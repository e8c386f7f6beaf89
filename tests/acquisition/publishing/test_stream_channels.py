"""Which channels a stream is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import OutputStream
from nexus_writer.acquisition.detectors import CameraDetector, SpectrumDetector
from nexus_writer.acquisition.publishing import StreamChannels, UnfitStream
from nexus_writer.acquisition.stream_params import complete
from nexus_writer.data.cameras import CAMERA_TYPE

FRAME = {"frame_shape": (4, 8), "frame_dtype": "uint16"}


def channels(told: dict[str, Any] | None = None, **params: Any) -> StreamChannels:
    return StreamChannels("det", complete({}, params), told)


@pytest.mark.parametrize(
    ("params", "names", "shape"),
    [
        ({"shape": (-1,)}, ["det"], ()),
        ({"shape": (-1, 1)}, ["det"], ()),
        ({"shape": (-1, 3)}, ["det_0", "det_1", "det_2"], ()),
        ({"shape": (-1, 3), "channel_info": [{"name": "a"}, "b"]}, ["a", "b", "det_2"], ()),
        ({"shape": (-1, 3), "spectrum": True}, ["det"], (3,)),
        ({"shape": (-1, 3, 4)}, ["det"], (3, 4)),
        ({"shape": (-1, 2, 4), "channel_info": ["a", "b"]}, ["a", "b"], (4,)),
        ({"shape": (-1, 2, 4), "streamtype": "image", "channel_info": ["a", "b"]}, ["a"], (2, 4)),
        ({"shape": (-1, 1), "dtype": [("x", "i4"), ("y", "f8", 2)]}, ["x", "y"], None),
        (
            {"shape": (-1, 2, 3), "dtype": [("r", "u2"), ("g", "u2")], "streamtype": "image"},
            ["r", "g"],
            (2, 3),
        ),
    ],
)
def test_shape_and_type_decide(
    params: dict[str, Any], names: list[str], shape: tuple[int, ...] | None
) -> None:
    found = channels(**params)
    assert found.names == names
    sample = np.zeros((5, *params["shape"][1:]), found_dtype(params))
    for spec, points in zip(found.specs, found.points_of(sample), strict=True):
        assert points.shape == (5, *spec.shape)
        assert shape is None or spec.shape == shape


def found_dtype(params: dict[str, Any]) -> np.dtype[Any]:
    return np.dtype(params.get("dtype", "float32"))


def test_each_column_keeps_its_points() -> None:
    sample = np.arange(12, dtype="float32").reshape(4, 3)
    for number, points in enumerate(channels(shape=(-1, 3)).points_of(sample)):
        assert points.tolist() == sample[:, number].tolist()


def test_what_is_told_adds_to_what_the_stream_says() -> None:
    info = [{"name": "i0", "units": "V"}, {"name": "i1", "unit": "A"}]
    told = {"i1": {"units": "mA", "counter": {}, "display": {"start": 0.0}}}
    i0, i1 = channels(told, shape=(-1, 2), units="cts", channel_info=info).specs
    assert (i0.unit, i0.counter, dict(i0.display)) == ("V", None, {})
    assert (i1.unit, i1.counter, dict(i1.display)) == ("mA", {}, {"start": 0.0})


def test_the_names_of_a_spectrum_detector() -> None:
    detector = SpectrumDetector("xrf")
    detector.configure(elements=2, bins=16)
    spectra, statistics = (params_of(output) for output in detector.outputs.values())
    assert StreamChannels("xrf", spectra).names == ["spectrum_det0", "spectrum_det1"]
    assert "icr_det1" in StreamChannels("xrf_statistics", statistics).names
    detector.close()


def test_a_camera_that_saves_is_one_of_lima(tmp_path: Any) -> None:
    camera = CameraDetector("cam")
    camera.configure(shape=(4, 8), directory=str(tmp_path), frames_per_file=7)
    found = StreamChannels("cam", params_of(camera.output))
    assert found.saving is not None
    assert found.saving.frames_per_file == 7
    (spec,) = found.specs
    assert (spec.node_type, spec.shape, np.dtype(spec.dtype)) == (CAMERA_TYPE, (4, 8), np.uint16)
    camera.close()


def params_of(output: OutputStream) -> dict[str, Any]:
    output.configure()
    return output.params


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"shape": (-1, 2), "channel_info": ["a", "a"]}, "two channels a: name them apart in channel_info"),
        ({"shape": (-1,), "dtype": [("a", [("b", "i4")])]}, "stream det has samples of .*: send numbers"),
        ({"shape": (-1,), "dtype": "m8[s]"}, "send numbers, texts, or fields of these"),
        ({"shape": (-1,), "saving": {"folder": "x"}, **FRAME}, "give what SavingSpec takes"),
        ({"shape": (-1,), "saving": {"directory": "x"}}, "give its params frame_shape and frame_dtype"),
    ],
)
def test_what_cannot_be_channels_is_refused(params: dict[str, Any], what: str) -> None:
    with pytest.raises(UnfitStream, match=what):
        channels(**params)
