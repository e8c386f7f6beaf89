"""Qt in a node group, for nodes that show something. Nothing here is imported unless it was asked for."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
from collections.abc import Callable
from typing import Any

from .errors import QtMissing

__all__ = ["check_qt", "run_qt"]

BINDINGS = ("PySide6", "PyQt6", "PyQt5")
LOOK_MS = 100


def check_qt() -> str:
    """The name of the binding. QtMissing where there is none, or no display."""
    for name in BINDINGS:
        if importlib.util.find_spec(name) is not None:
            break
    else:
        known = ", ".join(BINDINGS)
        raise QtMissing(f"qt=True needs Qt, and none of {known} is installed: install one, or give qt=False")
    if not any(os.environ.get(key) for key in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        raise QtMissing(
            "qt=True needs a display, and DISPLAY is not set: set it (or QT_QPA_PLATFORM=offscreen), "
            "or give qt=False"
        )
    return name


def run_qt(descriptor: int, take: Callable[[], bool], ended_by: Callable[[int], None]) -> None:
    """Run a QApplication; ``take`` is called when ``descriptor`` has something to read, until it is False.

    An exception must not leave a function that Qt calls: a signal ends the loop, and ``ended_by`` is told.
    """
    binding = check_qt()
    core: Any = importlib.import_module(f"{binding}.QtCore")
    widgets: Any = importlib.import_module(f"{binding}.QtWidgets")
    application = widgets.QApplication.instance() or widgets.QApplication(["node group"])
    application.setQuitOnLastWindowClosed(False)
    raised: list[BaseException] = []

    def taken(*_: object) -> None:
        try:
            goes_on = take()
        except BaseException as error:
            raised.append(error)
            goes_on = False
        if not goes_on:
            application.quit()

    def ended(number: int, _: object) -> None:
        ended_by(number)
        application.quit()

    signal.signal(signal.SIGTERM, ended)
    kinds = core.QSocketNotifier
    notifier = kinds(descriptor, getattr(kinds.Type, "Read", None) or kinds.Read)  # PyQt5 has the latter
    notifier.activated.connect(taken)
    timer = core.QTimer()  # the interpreter looks at signals then
    timer.timeout.connect(lambda: None)
    timer.start(LOOK_MS)
    application.exec()
    notifier.setEnabled(False)
    if raised:
        raise raised[0]
