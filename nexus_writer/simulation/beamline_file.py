"""A simulated beamline as a YAML file tells it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .settings import BeamlineSettings
from .strict_loader import StrictLoader

__all__ = ["BadBeamline", "example", "load", "parse"]

WHY = {
    "extra_forbidden": "Extra inputs are not permitted: what there is, nexus-writer simulate --example shows",
    "string_pattern_mismatch": "give a name of letters, digits and _, which begins with a letter",
}
"""What pydantic does not say."""


class BadBeamline(ValueError):
    """A file does not describe a beamline; one line that names what and why."""


def example() -> str:
    """A file with everything in it, and comments."""
    return files(__package__).joinpath("example.yaml").read_text(encoding="utf-8")


def load(path: Path) -> BeamlineSettings:
    """Raises BadBeamline for a file that cannot be read, is no YAML, or makes no sense."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadBeamline(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    settings = parse(text, str(path))
    directory = settings.directory
    return settings.model_copy(
        update={"directory": directory if directory.is_absolute() else path.parent.resolve() / directory}
    )


def parse(text: str, called: str) -> BeamlineSettings:
    """Raises BadBeamline."""
    try:
        found = yaml.load(text, StrictLoader)
    except yaml.YAMLError as error:
        raise BadBeamline(f"{called} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise BadBeamline(f"{called} describes no beamline: see nexus-writer simulate --example")
    try:
        return BeamlineSettings.model_validate(found)
    except ValidationError as error:
        raise BadBeamline(f"{called}: {'; '.join(map(_line, error.errors()))}") from None


def _line(error: ErrorDetails) -> str:
    """Where and why, as the file has it: without the names that tell members of a union apart."""
    parts = list(error["loc"])
    if parts[:1] == ["detectors"]:
        del parts[2:3]
    elif parts[:1] == ["scans"] and parts[2:3] == ["scan"]:
        del parts[2:4]
    elif parts[:1] == ["scans"]:
        del parts[5:6], parts[2:3]
    why = WHY.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    where = ".".join(map(str, parts))
    return f"{where}: {why}" if where else why
