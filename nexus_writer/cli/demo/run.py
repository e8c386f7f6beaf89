"""The demo from the first process to the last picture."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from nexus_writer.data.embedded import EmbeddedRedis

from ..errors import CommandError
from ..tree import file_tree
from .beamline import DemoBeamline, demo_settings
from .client import DeviceClient, show_progress
from .device import DemoDevice
from .directory import own_directory
from .figure import draw_measurement


def run_demo(directory: Path) -> None:
    """Play a beamline's scans into an own Redis, save them below ``directory`` and show what came of it.

    Everything started here is ended here, also after Ctrl-C. Raises CommandError where a part is not
    installed or a scan was not saved.
    """
    console = Console()
    directory = directory.resolve()
    with own_directory(directory) as data_root, EmbeddedRedis() as redis:
        console.print(f"[bold]Redis[/]         {redis.url}")
        with DemoDevice(demo_settings().session, redis.url, directory / "writer.log") as device:
            console.print(f"[bold]Tango device[/]  {device.address}")
            console.print(f"[bold]Log[/]           {directory / 'writer.log'}")
            client = DeviceClient(device.address)
            with DemoBeamline(redis.url, data_root) as beamline:
                scans = show_progress(console, client, beamline)
            beamline.check()
    failed = [scan for scan in scans if scan["state"] != "OFF"]
    if failed:
        raise CommandError("; ".join(f"{scan['name']}: {scan['reason']}" for scan in failed))
    _show_files(console, directory, data_root)


def _show_files(console: Console, directory: Path, data_root: Path) -> None:
    files = sorted(data_root.rglob("*.h5"))
    dataset_file = max(files, key=lambda path: path.stat().st_size)
    picture = directory / "measurement.png"
    console.print()
    console.print(file_tree(dataset_file, depth=2))
    draw_measurement(dataset_file, picture)
    shown = _short(dataset_file)
    console.print()
    console.print(f"[bold]Open it with[/]   silx view {shown}", soft_wrap=True)
    console.print(
        f"[bold]or in Python[/]   h5py.File({str(shown)!r})['1.1/measurement']",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"[bold]Picture[/]        {_short(picture)}")


def _short(path: Path) -> Path:
    """Relative to the working directory where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
