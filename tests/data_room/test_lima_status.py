"""How many frames a camera has, by its status."""

from __future__ import annotations

import pickle
from typing import Any

from nexus_writer.data.lima_status import UNREPORTED_AFTER_S, CameraProgress


def entry(**status: Any) -> list[Any]:
    return [b"1-0", [b"__EVENT__", b"LIMAIMAGESTATUS", b"__STATUS__", pickle.dumps(status, 4)]]


def test_a_frame_is_readable_when_it_is_saved() -> None:
    camera = CameraProgress()
    camera.receive(
        [entry(last_image_ready=4, last_image_saved=1), entry(last_image_ready=9, last_image_saved=5)]
    )
    assert (camera.ready, camera.readable) == (10, 6)


def test_a_camera_that_never_tells_what_it_saved_is_believed_after_a_while() -> None:
    now_s = 100.0
    camera = CameraProgress(lambda: now_s)
    camera.receive([entry(last_image_ready=4, last_image_saved=-1)])
    assert camera.readable == 0
    now_s += UNREPORTED_AFTER_S
    assert camera.readable == 5
    camera.receive([entry(last_image_ready=6)])
    assert camera.readable == 7
    camera.receive([entry(last_image_ready=6, last_image_saved=2)])
    assert camera.readable == 3


def test_nothing_goes_back() -> None:
    camera = CameraProgress()
    camera.receive([entry(last_image_ready=4, last_image_saved=4)])
    camera.receive([entry(last_image_ready=-1, last_image_saved=-1)])
    assert (camera.ready, camera.readable) == (5, 5)


def test_a_status_that_cannot_be_understood_is_skipped() -> None:
    camera = CameraProgress()
    broken = [b"2-0", [b"__EVENT__", b"LIMAIMAGESTATUS", b"__STATUS__", b"no pickle"]]
    camera.receive([entry(last_image_ready=4, last_image_saved=4), broken, [b"3-0", [b"other", b"x"]]])
    assert camera.ready == 5
    camera.receive([entry(last_image_ready="many")])
    assert camera.ready == 5
