"""Writer options from device properties and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from nexus_writer.subscribers import WriterOptions


class BadOptions(ValueError):
    """Options, of which the environment may be the source, make no sense."""


def writer_options(given: Mapping[str, Any]) -> WriterOptions:
    """What is not given comes from the environment, then from the defaults. Raises BadOptions, one line."""
    try:
        return WriterOptions(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadOptions("; ".join(texts)) from None
