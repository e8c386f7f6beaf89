"""Application definitions: which part of a scan a program for data analysis looks for, and by which names.

They are declared in a YAML file; ``config/applications-xrf.yaml`` explains each field.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import LayoutError


class BadApplications(LayoutError, ValueError):
    """The file of application definitions cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"application definitions in {path}: {why}")


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChannelLink(_Declared):
    """A channel, by its name or by that of the parameter which holds its name: one of the two."""

    parameter: str = ""
    channel: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.parameter) == bool(self.channel):
            raise ValueError("give a parameter or a channel")
        return self


class DetectorLink(_Declared):
    """A dataset of a detector; ``numbered`` is the name where there are several detectors."""

    dataset: str = Field(min_length=1)
    numbered: str

    @field_validator("numbered")
    @classmethod
    def _check(cls, value: str) -> str:
        try:
            distinct = value.format(0) != value.format(1)
        except (IndexError, KeyError, ValueError):
            distinct = False
        if not distinct:
            raise ValueError("it has no place for a number, like mca{:02d}")
        return value


class DetectorLinks(_Declared):
    """Links for each detector of a ``type``; the first one is that of its data."""

    parameter: str = ""
    type: str = Field(min_length=1)
    links: Mapping[str, DetectorLink] = Field(min_length=1)


class ApplicationDefinition(_Declared):
    """Which scans have it, and what of them."""

    name: str = ""
    kind: str = Field(alias="class", min_length=1)
    definition: str = Field(min_length=1)
    techniques: tuple[str, ...] = ()
    links: Mapping[str, ChannelLink] = Field(default_factory=dict)
    detectors: DetectorLinks | None = None


class _File(_Declared):
    applications: Mapping[str, ApplicationDefinition]


XRF = ApplicationDefinition.model_validate(
    {
        "name": "xrf",
        "class": "APPxrf",
        "definition": "APPxrf",
        "links": {"i0": {"parameter": "I0"}, "it": {"parameter": "It"}},
        "detectors": {
            "parameter": "mca",
            "type": "mca",
            "links": {
                "mca": {"dataset": "spectrum", "numbered": "mca{:02d}"},
                "elapsed_time": {"dataset": "elapsed_time", "numbered": "elapsed_time_mca{:02d}"},
                "live_time": {"dataset": "live_time", "numbered": "live_time_mca{:02d}"},
            },
        },
    }
)
"""The definition that the classic writer knows."""


@lru_cache(maxsize=16)
def application_definitions(path: Path | None) -> tuple[ApplicationDefinition, ...]:
    """Those of a file, read once, and XRF unless the file declares its class. Raises BadApplications."""
    if path is None:
        return (XRF,)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        declared = _File.model_validate({} if content is None else content)
    except OSError as error:
        raise BadApplications(path, f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadApplications(path, " ".join(str(error).split())) from None
    except ValidationError as error:
        raise BadApplications(path, "; ".join(map(_told, error.errors()))) from None
    own = tuple(
        definition.model_copy(update={"name": definition.name or name})
        for name, definition in declared.applications.items()
    )
    return own if any(definition.kind == XRF.kind for definition in own) else (*own, XRF)


def _told(error: Any) -> str:
    where = ".".join(map(str, error["loc"])) or "the file"
    why = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    return f"{where}: {why[:1].lower()}{why[1:]}"
