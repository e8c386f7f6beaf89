"""What the log says of one scan: into which file it goes, what was found on the way, how much is there."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .status import ScanProgress


class ScanLog:
    """Lines of the ``logger`` of what writes the scan, with its ``key`` in front."""

    def __init__(self, key: str, logger: logging.Logger) -> None:
        self._logger = logger
        self._key = key
        self._warned = 0

    def opened(self, progress: ScanProgress) -> None:
        """Its file is open, its entries are there."""
        self._logger.info("[%s] goes into %s", self._key, ", ".join(progress.uris))

    def warn(self, warnings: Sequence[str], failure: str | None = None) -> None:
        """Those that are new of all ``warnings``, once; what is in ``failure`` is logged with the state."""
        for warning in warnings[self._warned :]:
            if failure is None or warning not in failure:
                self._logger.warning("[%s] %s", self._key, warning)
        self._warned = len(warnings)

    def finished(self, progress: ScanProgress, failure: str | None) -> None:
        """Nothing more is written: what the file has of it."""
        self.warn(progress.warnings, failure)
        where = f" in {', '.join(progress.uris)}" if progress.uris else ""
        self._logger.info("[%s] %d points of all channels%s", self._key, progress.points, where)
