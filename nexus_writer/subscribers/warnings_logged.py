"""The warnings of a scan's file, in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence


class WarningsLogged:
    """Each of one scan's is logged once, by the ``logger`` of what writes the scan."""

    def __init__(self, key: str, logger: logging.Logger) -> None:
        self._logger = logger
        self._key = key
        self._logged = 0

    def log(self, warnings: Sequence[str], failure: str | None = None) -> None:
        """Those that are new of all ``warnings``; what is in ``failure`` is logged with the state."""
        for warning in warnings[self._logged :]:
            if failure is None or warning not in failure:
                self._logger.warning("[%s] %s", self._key, warning)
        self._logged = len(warnings)
