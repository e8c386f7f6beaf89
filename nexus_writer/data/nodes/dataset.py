"""Datasets and what they are gathered in."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .container import DataNodeContainer


class DataPolicyNode(DataNodeContainer):
    """A node of the data policy: its info has metadata, and fields of the policy's own, named __x__."""

    @property
    def path(self) -> str | None:
        """Its directory."""
        return self._text("__path__")

    @property
    def is_closed(self) -> bool:
        return bool(self.info.get("__closed__", False))

    @property
    def is_registered(self) -> bool:
        return bool(self.info.get("__registered__", False))

    @property
    def metadata(self) -> dict[str, Any]:
        return self.get_metadata()

    def get_metadata(self, pattern: str | None = None) -> dict[str, Any]:
        """Metadata fields, or those whose name matches the regular expression ``pattern``."""
        found = {name: value for name, value in self.info.items() if not name.startswith("__")}
        return found if pattern is None else {k: v for k, v in found.items() if re.match(pattern, k)}

    @property
    def metadata_fields(self) -> set[str]:
        return self.get_metadata_fields()

    def get_metadata_fields(self, pattern: str | None = None) -> set[str]:
        """As ``get_metadata``, the names alone."""
        return {name for name in self.info if not name.startswith("__") and re.match(pattern or "", name)}

    def _text(self, field: str) -> str | None:
        value = self.info.get(field)
        return value if isinstance(value, str) else None


class ProposalNode(DataPolicyNode):
    """A proposal: collections of datasets."""


class DatasetCollectionNode(DataPolicyNode):
    """A collection (a sample): datasets."""


class DatasetNode(DataPolicyNode):
    """A dataset: scans."""

    @property
    def start_date(self) -> datetime | None:
        return self._date("startDate")

    @property
    def end_date(self) -> datetime | None:
        return self._date("endDate")

    def _date(self, field: str) -> datetime | None:
        value = self.info.get(field)
        return value if isinstance(value, datetime) else None
