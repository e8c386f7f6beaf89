"""Programs that follow Redis nodes: of a session, of a scan."""

from .elsewhere import ScanElsewhere
from .errors import NodeMissing, NotStarted, ScansRunning, UnknownScan
from .finished import FinishedScan
from .known_scans import KnownScan
from .modes import Mode
from .options import BadOptions, WriterOptions, read_options
from .scan import NexusScanWriter
from .session import NexusSessionWriter
from .state import SubscriberState
from .status import ScanProgress, ScanStatus, SessionStatistics, SubscanProgress
from .subscriber import Subscriber

__all__ = [
    "BadOptions",
    "FinishedScan",
    "KnownScan",
    "Mode",
    "NexusScanWriter",
    "NexusSessionWriter",
    "NodeMissing",
    "NotStarted",
    "ScanElsewhere",
    "ScanProgress",
    "ScanStatus",
    "ScansRunning",
    "SessionStatistics",
    "SubscanProgress",
    "Subscriber",
    "SubscriberState",
    "UnknownScan",
    "WriterOptions",
    "read_options",
]
