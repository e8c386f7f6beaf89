"""Asks nexusformat whether an entry keeps to the NeXus definitions.

nexusformat opens files for writing and prints as it goes: it gets a copy of the entry without its large data,
and its messages are taken where it logs them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import copy_skeleton

from .findings import Findings

HOW_TO_INSTALL = "nexusformat is missing: install the extra 'validate' of nexus-writer"
_HEADING = re.compile(r"^\s*[A-Za-z]+: (?:\w+: )?(/\S*)$")
_ENTRY_NAME = re.compile(r'^"\d[\w.]*" is an invalid name$')


def can_validate() -> bool:
    """Whether there is a validator."""
    return find_spec("nexusformat") is not None


def validate_entry(path: Path, entry: str, *, strict_names: bool = False) -> Findings:
    """Hold one entry of a file against base classes, and the application definitions that it names.

    The standard allows ``1.1`` as the name of an entry and the validator does not: without ``strict_names``
    that is not told. Never raises for what is in the file.
    """
    if not can_validate():
        return Findings(not_validated=HOW_TO_INSTALL)
    program = f"nexusformat {version('nexusformat')}"
    with tempfile.TemporaryDirectory(prefix="nexus-writer-") as directory:
        copy = Path(directory) / "entry.h5"
        try:
            lost = copy_skeleton(path, entry, copy)
            messages = list(_messages(copy, entry))
        except Exception as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            why = " ".join(str(text).split()) or type(error).__name__
            return Findings(not_validated=f"{path}::/{entry}: {why}", program=program)
    found: dict[str, list[str]] = {"warning": list(lost), "error": []}
    for level, place, text in messages:
        if strict_names or place != f"/{entry}" or not _ENTRY_NAME.match(text):
            found[level].append(f"{place}: {text}")
    return Findings(
        tuple(dict.fromkeys(found["error"])), tuple(dict.fromkeys(found["warning"])), program=program
    )


def _messages(copy: Path, entry: str) -> Iterator[tuple[str, str, str]]:
    """(level, path, text) of everything the validator has to say."""
    with contextlib.redirect_stdout(io.StringIO()):  # its logger takes hold of stdout when it is imported
        from nexusformat.nexus import nxopen
        from nexusformat.nexus.validate import validate_application, validate_file

    yield from logged_by_nexusformat(partial(validate_file, str(copy)))
    with nxopen(str(copy)) as root:
        groups = [root[entry], *(root[entry].component("NXsubentry"))]
        named = [(group.nxpath, _definition(group)) for group in groups if "definition" in group]
    for place, application in named:
        yield from logged_by_nexusformat(
            partial(validate_application, str(copy), path=place, application=application)
        )


def _definition(group: Any) -> str:
    value = group["definition"].nxvalue
    return value.decode() if isinstance(value, bytes) else str(value)


def logged_by_nexusformat(validate: Callable[[], object]) -> Iterator[tuple[str, str, str]]:
    """(level, path, text) of the errors and warnings that ``validate`` logs."""
    handler = _Collector()
    logger = logging.getLogger("NXValidate")
    others, logger.handlers = logger.handlers, [handler]
    try:
        validate()
    finally:
        logger.handlers = others
    yield from handler.found


class _Collector(logging.Handler):
    """Messages with the path of the heading above them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._place = "/"

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        heading = _HEADING.match(text)
        if heading:
            self._place = heading.group(1)
        elif record.levelno in (logging.WARNING, logging.ERROR):
            level = "error" if record.levelno == logging.ERROR else "warning"
            self.found.append((level, self._place, " ".join(text.split())))
