"""What is wrong with a scan, in one line each."""

from __future__ import annotations

from collections.abc import Iterable

from nexus_writer.model.limits import MOST_WARNINGS, one_line

from .entry import Entry


class ScanWarnings:
    """Also kept in the scan's entries, while there are any. None is kept twice, nor more than
    ``MOST_WARNINGS`` of them."""

    texts: list[str]

    def __init__(self) -> None:
        self.texts = []
        self._entries: Iterable[Entry] = ()

    def keep_in(self, entries: Iterable[Entry]) -> None:
        """The entries have been made: they get what there is, and what comes."""
        self._entries = entries
        self._write()

    def close(self) -> None:
        """The file is being closed."""
        self._entries = ()

    def add(self, text: str) -> None:
        text = one_line(text)
        if len(self.texts) == MOST_WARNINGS:
            text = f"more than {MOST_WARNINGS} warnings: the others are not kept"
        if len(self.texts) > MOST_WARNINGS or text in self.texts:
            return
        self.texts.append(text)
        self._write()

    def add_all(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    def _write(self) -> None:
        for entry in self._entries:
            entry.note.keep_warnings(self.texts)
