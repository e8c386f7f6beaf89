"""A Tango server that gives synthetic images away as the one of a Lima camera does.

    python -m tests.lima_server PORT

Its memory has the last ``buffer_max_number`` of ``images`` images (both may be written); what they show is
:func:`image`. ``video_mode`` is the number of a mode of live images.
"""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import tango
from tango.server import Device, attribute, command, run

from tests.ports import free_port

NAME = "id00/limaccds/cam"
SHAPE = (4, 6)
GREY = {0: "u1", 1: "u2", 2: "i4", 3: "i8"}


def image(index: int) -> np.ndarray[Any, Any]:
    """No two pixels of it are alike, nor the same pixel of two images."""
    return (np.arange(24).reshape(SHAPE) + 100 * index).astype("u2")


def data_array(values: np.ndarray[Any, Any], version: int = 3, **changed: int) -> tuple[str, bytes]:
    """As ``readImage`` answers; ``changed`` are other values of fields of the header."""
    kinds = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64"]
    height, width = values.shape
    fields = {
        "magic": 0x44544159,
        "version": version,
        "header_size": 64,
        "category": 2,
        "data_type": kinds.index(values.dtype.name),
        "endianness": int(values.dtype.byteorder == ">"),
        "nb_dim": 2,
        "width": width,
        "height": height,
    } | changed
    header = struct.pack("<IHHIIHHHH", *fields.values()) + bytes(8)
    header += struct.pack("<6I", 1, width, 0, 0, 0, 0) + struct.pack("<Q", 0)
    return "DATA_ARRAY", header + values.tobytes()


def video_image(mode: int, pixels: bytes, number: int, /, **changed: int) -> tuple[str, bytes]:
    """As ``video_last_image`` is; ``changed`` are other values of fields of the header."""
    fields = {
        "magic": 0x5644454F,
        "version": 1,
        "mode": mode,
        "number": number,
        "width": SHAPE[1],
        "height": SHAPE[0],
        "endianness": 0,
        "header_size": 32,
    } | changed
    return "VIDEO_IMAGE", struct.pack(">IHHqiiHHHH", *fields.values(), 0, 0) + pixels


class LimaCCDs(Device):
    """The part of a Lima device that gives images away."""

    def init_device(self) -> None:
        super().init_device()
        self._numbers = {"images": 0, "buffer_max_number": 3, "video_mode": 1}
        self.asked = 0

    @attribute(dtype=int)
    def images(self) -> int:
        return self._numbers["images"]

    @images.write
    def images(self, value: int) -> None:
        self._numbers["images"] = value

    @attribute(dtype=int)
    def buffer_max_number(self) -> int:
        return self._numbers["buffer_max_number"]

    @buffer_max_number.write
    def buffer_max_number(self, value: int) -> None:
        self._numbers["buffer_max_number"] = value

    @attribute(dtype=int)
    def video_mode(self) -> int:
        return self._numbers["video_mode"]

    @video_mode.write
    def video_mode(self, value: int) -> None:
        self._numbers["video_mode"] = value

    @attribute(dtype=int)
    def readings(self) -> int:
        """How often somebody asked for an image."""
        return self.asked

    @command(dtype_in=tango.DevLong, dtype_out=tango.DevEncoded)
    def readImage(self, index: int) -> tuple[str, bytes]:
        self.asked += 1
        images, room = self._numbers["images"], self._numbers["buffer_max_number"]
        if not max(0, images - room) <= index < images:
            raise RuntimeError(f"image {index} is not available (anymore)")
        return data_array(image(index))

    @attribute(dtype=tango.DevEncoded)
    def video_last_image(self) -> tuple[str, bytes]:
        self.asked += 1
        last, mode = self._numbers["images"] - 1, self._numbers["video_mode"]
        return video_image(mode, image(max(0, last)).astype(GREY.get(mode, "u1")).tobytes(), last)


class LimaServer:
    """One in a process of its own; ready when it is made."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"tango://127.0.0.1:{self.port}/{NAME}#dbase=no"
        command = [sys.executable, "-m", "tests.lima_server", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.proxy = tango.DeviceProxy(self.url)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def lima_server(port: int | None = None) -> Iterator[LimaServer]:
    """A camera's server for the time of a block."""
    server = LimaServer(port)
    try:
        yield server
    finally:
        server.kill()


def main() -> None:
    endpoint = f"giop:tcp:127.0.0.1:{sys.argv[1]}"
    arguments = ["LimaCCDs", "test", "-nodb", "-dlist", NAME, "-ORBendPoint", endpoint]
    run((LimaCCDs,), arguments, post_init_callback=lambda: print("ready", flush=True))


if __name__ == "__main__":
    main()
