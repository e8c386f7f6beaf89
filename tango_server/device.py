"""The ``NexusWriter`` device: what BLISS and operators ask of the writer of a session.

Class name, properties, commands and attributes are those of the classic device, so that a session which runs
accepts this one in its place. Commands run in greenlets of the main thread and answer within the 3 s that a
Tango client waits; no HDF5 object is ever touched here.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path

import tango
from tango import DevState, GreenMode
from tango.server import Device, command, device_property

from nexus_writer.hdf5 import SCHEMES
from nexus_writer.model import PathMaps
from nexus_writer.subscribers import BadOptions, ScansRunning, UnknownScan, WriterOptions, read_options
from nexus_writer.subscribers.question import Question

from . import log_levels
from .attributes import READINGS, LevelAttributes, ScanAttributes
from .broadcast import Broadcast, Reading, Readings
from .errors import told_to_client
from .log_levels import LogLevel
from .profiling import ScanProfiling
from .properties import BadProperty, check_addresses, check_session, read_properties, unknown_properties
from .served_session import ServedSession
from .states import scan_state, session_state

logger = logging.getLogger(__name__)
PURGE_OLDER_THAN_S = 5.0
MAKE_WITHIN_S = 2.0
FINALISE_WITHIN_S = 30.0
EVENTS = (*READINGS, "free_disk_space", "State", "Status")
SCAN = "name of a scan (the one started last), or its full key"


class NexusWriter(LevelAttributes, ScanAttributes, Device):  # type: ignore[misc]  # pytango has no types
    """Saves the scans of a BLISS session into NeXus/HDF5 files while they run."""

    green_mode = GreenMode.Gevent
    first_tango_level: LogLevel | None = None
    """Of new devices; None for what the Tango database says."""

    session = device_property(
        dtype=str, mandatory=True, doc="Name of the BLISS session whose scans are saved."
    )
    beacon_host = device_property(
        dtype=str, doc="host:port of Beacon, which knows the address of Redis. Default: $BEACON_HOST."
    )
    redis_url = device_property(
        dtype=str, doc="Where scans are published, like redis://host:6380/1. Default: ask Beacon."
    )
    keepshape = device_property(dtype=bool, doc="Keep the shape of a grid scan instead of flattening it.")
    multivalue_positioners = device_property(
        dtype=bool, doc="Group the channels of a master with several channels in one NXpositioner."
    )
    enable_external_nonhdf5 = device_property(dtype=bool, doc="Link EDF images as external raw data.")
    disable_external_hdf5 = device_property(dtype=bool, doc="Do not link HDF5 images as virtual datasets.")
    copy_non_external = device_property(dtype=bool, doc="Copy images that are not linked.")
    noconfig = device_property(dtype=bool, doc="Ignore what the session says of its devices for the writer.")
    stackmca = device_property(dtype=bool, doc="Stack the MCA spectra of an application definition.")
    required_disk_space = device_property(
        dtype=float, doc="Free disk space in MB below which nothing is written (200)."
    )
    recommended_disk_space = device_property(
        dtype=float, doc="Free disk space in MB below which a scan is warned (1024)."
    )
    applications = device_property(dtype=str, doc="YAML file of application definitions to be saved too.")
    entry_name = device_property(
        dtype=str, doc="Name of an entry: {scan_nb}.{subscan}, or like scan_{scan_nb:04d}_{subscan}."
    )
    compression_scheme = device_property(
        dtype=str,
        doc="Compression of large datasets, where the session does not choose one: " + ", ".join(SCHEMES),
    )
    compression_threads = device_property(
        dtype=int, doc="Threads of the server that compress. Default: one for each processor, up to 8."
    )
    validation = device_property(
        dtype=bool, doc="Check each entry against the NeXus definitions when its scan has ended."
    )
    settings_file = device_property(dtype=str, doc="TOML or YAML file of options.")
    path_map = device_property(
        dtype=(str,), doc="FROM=TO: directories of the beamline, and what the writer's host calls them."
    )
    roots = device_property(
        dtype=(str,), doc="Directories below which alone files and directories are made. None: anywhere."
    )

    # -- life ----------------------------------------------------------------------------------------------

    def init_device(self) -> None:
        self.served = ServedSession(self.get_name())
        self.options = WriterOptions.model_construct()
        self.profiling = ScanProfiling()
        self._fault: str | None = None
        self._start()
        if self.first_tango_level is not None:
            log_levels.set_tango_level(self, self.first_tango_level)
        for name in EVENTS:
            self.set_change_event(name, True, False)
        self._broadcast = Broadcast(self, self._events)

    def delete_device(self) -> None:
        """Init is refused while scans run; when the server ends or restarts, they are finalised."""
        if self.served.running() and not self._forced_to_end():
            with told_to_client("NexusWriter.Init"):
                raise ScansRunning([scan.name for scan in self.served.running()])
        self._broadcast.stop()
        if not self.served.shut_down(FINALISE_WITHIN_S):
            names = ", ".join(scan.name for scan in self.served.running())
            logger.error("%s: not finalised within %g s", names or self.session, FINALISE_WITHIN_S)

    def dev_state(self) -> DevState:
        """Not Tango's own: that one says ALARM when a number is in alarm, and BLISS would refuse to scan."""
        if self._fault is not None:
            return DevState.FAULT
        return session_state(self.served.state, len(self.served.running()))

    def dev_status(self) -> str:
        return self._fault or self.served.reason

    def _start(self) -> None:
        """Raises ElsewhereLater when another session, or another Redis, is wanted while scans are saved."""
        try:
            options = self._read_properties()
        except (BadOptions, BadProperty) as error:
            self._blame(f"{error}; correct it, then call 'start'")
        except tango.DevFailed as error:
            self._blame(
                f"Cannot read the device properties ({error.args[0].desc}): call 'start' to try again"
            )
        else:
            beacon, redis_url = self.beacon_host or None, self.redis_url or None
            self.served.start(self.session, options, redis_url=redis_url, beacon=beacon)
            self.options = options
            self._fault = None

    def _read_properties(self) -> WriterOptions:
        read_properties(self)
        for line in unknown_properties(self.get_name(), self.device_property_list):
            logger.warning("[%s] %s", self.get_name(), line)
        check_session(self.session)
        check_addresses(self.redis_url, self.beacon_host)
        return read_options({name: getattr(self, name, None) for name in WriterOptions.model_fields})

    def _blame(self, fault: str) -> None:
        self._fault = fault
        logger.error("[%s] %s", self.get_name(), fault)

    def _forced_to_end(self) -> bool:
        util = tango.Util.instance()
        restarts = util.is_svr_starting() or util.is_device_restarting(self.get_name())
        return bool(restarts or util.is_svr_shutting_down())

    def _events(self) -> Readings:
        self.profiling.follow(len(self.served.running()))
        self.served.look()
        state, status = Reading(self.dev_state()), Reading(self.dev_status())
        return self.readings() | {"State": lambda: state, "Status": lambda: status}

    # -- the session ---------------------------------------------------------------------------------------

    @command
    def start(self) -> None:
        """Listen to the session. The properties are read again, for scans that start from now on; another
        session, redis_url or beacon_host is refused while scans are being saved."""
        with told_to_client("NexusWriter.start"):
            self._start()
            if self._fault is not None:
                raise RuntimeError(self._fault)

    @command
    def stop(self) -> None:
        """Listen to the session no more. Refused while scans are being saved."""
        with told_to_client("NexusWriter.stop"):
            self.served.stop()

    @command
    def purge_scans(self) -> None:
        """Forget the scans that finished more than 5 s ago."""
        self.served.purge(PURGE_OLDER_THAN_S)

    @command(dtype_in=str, doc_in="absolute path")
    def makedirs(self, path: str) -> None:
        """Make a directory and its parents, as the writer's user. Path map and roots of the device apply."""
        with told_to_client("NexusWriter.makedirs"):
            if not Path(path).is_absolute():
                raise ValueError(f"{path!r} is not an absolute path: begin it with /")
            made = Question(partial(_make_directory, self.options.paths, path)).answer(MAKE_WITHIN_S)
            if made is None:
                raise TimeoutError(f"{path} is not there yet, its disk does not answer: try again later")
            if isinstance(made, Exception):
                raise made

    # -- one scan ------------------------------------------------------------------------------------------

    @command(dtype_in=str, doc_in=SCAN, dtype_out=bool, doc_out="is it known, and not yet purged")
    def scan_exists(self, name: str) -> bool:
        """Did the writer get to know of this scan?"""
        try:
            self.served.scan(name)
        except UnknownScan:
            return False
        return True

    @command(dtype_in=str, doc_in=SCAN, dtype_out=DevState, doc_out="INIT, ON, OFF or FAULT")
    def scan_state(self, name: str) -> DevState:
        """ON while it is being saved, OFF when it is saved, FAULT when nothing more of it can be saved."""
        with told_to_client("NexusWriter.scan_state"):
            return scan_state(self.served.scan(name).state.name)

    @command(dtype_in=str, doc_in=SCAN, dtype_out=str, doc_out="one line")
    def scan_state_reason(self, name: str) -> str:
        """Why it is in its state."""
        with told_to_client("NexusWriter.scan_state_reason"):
            return self.served.scan(name).reason

    @command(dtype_in=str, doc_in=SCAN, dtype_out=(str,), doc_out="file::/N.1, file::/N.2, ...")
    def scan_uri(self, name: str) -> list[str]:
        """Where it is saved: one entry for each top master."""
        with told_to_client("NexusWriter.scan_uri"):
            return self.served.scan(name).uris

    @command(dtype_in=str, doc_in=SCAN, dtype_out=str, doc_out="JSON")
    def scan_description(self, name: str) -> str:
        """Everything the writer knows of it: state, reason, times in epoch seconds, points, lag, files."""
        with told_to_client("NexusWriter.scan_description"):
            return json.dumps(self.served.scan(name).status().to_dict())

    @command(dtype_in=str, doc_in=SCAN, dtype_out=bool)
    def scan_has_write_permissions(self, name: str) -> bool:
        """May the writer's user write its file, or create it?"""
        with told_to_client("NexusWriter.scan_has_write_permissions"):
            return self.served.scan(name).has_write_permission()

    @command(dtype_in=str, doc_in=SCAN, dtype_out=bool)
    def scan_has_required_disk_space(self, name: str) -> bool:
        """Deprecated: scan_disk_space_error also says what is wrong."""
        with told_to_client("NexusWriter.scan_has_required_disk_space"):
            return not self.served.scan(name).disk_space_error()

    @command(dtype_in=str, doc_in=SCAN, dtype_out=str, doc_out="empty, or 'Free disk space below X MB'")
    def scan_disk_space_error(self, name: str) -> str:
        """Is there too little space to write?"""
        with told_to_client("NexusWriter.scan_disk_space_error"):
            return self.served.scan(name).disk_space_error()

    @command(dtype_in=str, doc_in=SCAN, dtype_out=str, doc_out="empty, or 'Free disk space below X MB'")
    def scan_disk_space_warning(self, name: str) -> str:
        """Is there less space than recommended?"""
        with told_to_client("NexusWriter.scan_disk_space_warning"):
            return self.served.scan(name).disk_space_warning()

    @command(dtype_in=str, doc_in=SCAN)
    def stop_scan(self, name: str) -> None:
        """Save what was received of it, and close its file; its state becomes FAULT, and BLISS aborts it."""
        with told_to_client("NexusWriter.stop_scan"):
            self.served.scan(name).stop()

    @command(dtype_in=str, doc_in=SCAN)
    def kill_scan(self, name: str) -> None:
        """Close its file at once, without what was received last; it becomes FAULT, and BLISS aborts it."""
        with told_to_client("NexusWriter.kill_scan"):
            self.served.scan(name).kill()


def _make_directory(paths: PathMaps, path: str) -> Path | Exception:
    """In a thread of its own, which a disk that hangs stops: what was made, or what went wrong."""
    try:
        directory = Path(paths.allowed(path))
        directory.mkdir(parents=True, exist_ok=True)
    except Exception as error:
        return error
    return directory
