"""Datasets of texts, one a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .items import new_dataset
from .texts import TEXT, to_text


@dataclass(frozen=True, slots=True)
class TextRows:
    """Texts of variable length, contiguous: (number of texts,)."""

    texts: Sequence[str]

    def create(self, group: Any) -> Any:
        values = np.empty(len(self.texts), dtype=TEXT)
        values[:] = [to_text(text) for text in self.texts]
        return new_dataset(group, None, values)
