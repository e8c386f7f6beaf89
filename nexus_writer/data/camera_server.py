"""What a camera's Tango server has in its memory. Nothing else here needs Tango, and this only when used."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy.typing as npt

from .encoded_images import VideoImage, decode_data_array, decode_video_image
from .errors import DataError

T = TypeVar("T")

TIMEOUT_S = 3.0
RETRY_S = 30.0
"""Seconds that a server which did not answer is left alone: files are not to wait for it image by image."""
_MOST_SERVERS = 64


class TangoMissing(DataError):
    """Nothing here can ask a camera."""

    def __init__(self) -> None:
        super().__init__("Tango is needed to ask a camera: install the extra 'tango' of nexus-writer")


class CameraUnreachable(DataError):
    """Nothing answers at ``url``."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"the camera at {url} does not answer ({why}): start its server")
        self.url = url


class CameraRefused(DataError):
    """The server answers, and does not give the image."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"the camera at {url} does not give the image ({why}): take it from its file")
        self.url = url


class CameraServer:
    """A Lima server by its Tango address, for all threads.

    All methods raise TangoMissing, CameraUnreachable, CameraRefused, ImageUndecodable. When the server hangs,
    a call blocks its thread for ``TIMEOUT_S`` twice, or three times 3 s to connect (measured).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._proxy: Any = None
        self._why = ""
        self._retry_at_s = 0.0

    def read_image(self, index: int) -> npt.NDArray[Any]:
        """The image ``index`` of the acquisition that is running, or was the last; (rows, columns)."""
        return decode_data_array(self._asked(lambda proxy: _image(proxy, index)))

    def last_image(self) -> VideoImage | None:
        """The image that is shown live; None when there is none yet."""
        return decode_video_image(self._asked(lambda proxy: proxy.read_attribute("video_last_image").value))

    def _asked(self, question: Callable[[Any], T]) -> T:
        try:
            import tango
        except ImportError:
            raise TangoMissing from None
        if time.monotonic() < self._retry_at_s:
            raise CameraUnreachable(self.url, self._why)
        with tango.EnsureOmniThread():
            try:
                return question(self._connected(tango))
            except tango.DevFailed as error:
                if not _is_away(tango, error):
                    raise CameraRefused(self.url, _text(error, 0)) from None
                self._why = _text(error, 1)
                self._retry_at_s = time.monotonic() + RETRY_S
        raise CameraUnreachable(self.url, self._why)

    def _connected(self, tango: Any) -> Any:
        if self._proxy is None:
            proxy = tango.DeviceProxy(self.url)
            proxy.set_timeout_millis(round(TIMEOUT_S * 1000))
            proxy.set_source(tango.DevSource.DEV)
            proxy.set_transparency_reconnection(False)  # one that hangs would be waited for once more
            self._proxy = proxy
        return self._proxy


@lru_cache(_MOST_SERVERS)
def camera_server(url: str) -> CameraServer:
    """The same for all who ask by the same address: they share its connection, and know when it is away."""
    return CameraServer(url)


def _image(proxy: Any, index: int) -> Any:
    """With the type of the argument given, Tango does not ask the server for it first."""
    import tango

    argument = tango.DeviceData()
    argument.insert(tango.DevLong, index)
    return proxy.command_inout("readImage", argument)


def _is_away(tango: Any, error: Any) -> bool:
    """As opposed to: it has answered, by an error."""
    kinds = (tango.ConnectionFailed, tango.CommunicationFailed, tango.WrongNameSyntax)
    return isinstance(error, kinds) or any(one.reason == "API_CantConnectToDevice" for one in error.args)


def _text(error: Any, which: int) -> str:
    """What Tango tells, in one line: the cause is 0, then what it led to, in more general words each."""
    text = error.args[min(which, len(error.args) - 1)].desc if error.args else ""
    return " ".join(str(text).split()) or type(error).__name__
