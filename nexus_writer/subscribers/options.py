"""What can be set about saving scans: one model for device properties, command line, environment and file."""

from __future__ import annotations

import difflib
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from nexus_writer.hdf5 import SCHEMES, UnknownCompression
from nexus_writer.layout import (
    DEFAULT_ENTRY_NAME,
    LayoutOptions,
    application_definitions,
    check_entry_name,
)
from nexus_writer.model.path_map import PathMaps
from nexus_writer.model.roots import Roots

from .patience import Patience
from .retention import Retention

PREFIX = "NEXUS_WRITER_"
NO_OPTIONS = frozenset({"redis_url"})
"""What the environment says with this prefix to others than the options."""

logger = logging.getLogger(__name__)


class BadOptions(ValueError):
    """Options make no sense; one line that names each of them, what was given where, and why it cannot be."""


class WriterOptions(BaseSettings):
    """How scans are saved.

    A field comes from whoever makes the options (device property, command line), else from
    ``NEXUS_WRITER_<FIELD>`` in the environment, else from the file that ``settings_file`` names: TOML, or
    YAML when it is called so.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    settings_file: Path | None = Field(None, description="TOML or YAML file with any of these options")
    keepshape: bool = Field(False, description="keep the shape of a grid scan instead of flattening it")
    multivalue_positioners: bool = Field(
        False, description="group the channels of a master with several channels in one NXpositioner"
    )
    enable_external_nonhdf5: bool = Field(False, description="link EDF images as external raw data")
    disable_external_hdf5: bool = Field(False, description="do not link HDF5 images as virtual datasets")
    copy_non_external: bool = Field(False, description="copy images that are not linked")
    noconfig: bool = Field(False, description="ignore what the session says of its devices for the writer")
    stackmca: bool = Field(False, description="stack the MCA spectra of an application definition")
    applications: Path | None = Field(None, description="YAML file of application definitions")
    entry_name: str = Field(
        DEFAULT_ENTRY_NAME,
        description="name of an entry; 'scan_{scan_nb:04d}_{subscan}' makes one that every validator accepts",
    )
    compression_scheme: str = Field(
        "",
        description="of datasets above the compression limit, where the session does not say: "
        + ", ".join(SCHEMES),
    )
    compression_threads: int = Field(
        0, ge=0, description="threads of this process that compress; 0: one for each processor, up to 8"
    )
    compression_bytes: int = Field(2**24, gt=0, description="bytes that may wait to be compressed")
    validation: bool = Field(
        False, description="check each entry against the NeXus definitions when its scan has ended"
    )
    required_disk_space: float = Field(
        200.0, ge=0, description="free disk space in MB below which nothing is written"
    )
    recommended_disk_space: float = Field(
        1024.0, ge=0, description="free disk space in MB below which a scan is warned"
    )
    path_map: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="FROM=TO: directories of the beamline and what this host calls them"
    )
    roots: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="directories below which alone files and directories are made; none: anywhere"
    )
    writer_name: str = Field("nexus", min_length=1, description="scans with this data_writer are saved")
    flush_period_s: float = Field(0.25, gt=0, description="seconds between two flushes of a running scan")
    sync_period_s: float = Field(
        5.0,
        ge=0,
        description="seconds between two waits for the disk to have what was flushed (fsync); 0: at the end",
    )
    flush_bytes: int = Field(32 * 2**20, gt=0, description="bytes received that are flushed at once")
    pace_s: float = Field(0.02, ge=0, description="seconds between two reads of a scan that sends slowly")
    queue_size: int = Field(8, gt=0, description="replies of Redis that may wait for the writer thread")
    look_back_s: float = Field(
        600.0,
        ge=0,
        description="scans that run, or ended so many seconds ago at most, are saved when the writer starts",
    )
    silence_s: float = Field(
        3600.0,
        ge=0,
        description="seconds without any sign of a running scan after which its file is completed; 0: never",
    )
    wait_for_file_s: float = Field(
        10.0,
        ge=0,
        description="seconds that a scan waits for a file that another process writes, before it is saved in "
        "one beside it; 0: none",
    )
    side_file_after_entries: int = Field(
        500,
        ge=0,
        description="entries of a channel that may wait in Redis meanwhile, which keeps 2048 or so; 0: none",
    )
    purge_after_s: float = Field(300.0, ge=0, description="seconds after which a finished scan is forgotten")
    purge_failed_after_s: float = Field(
        43200.0, ge=0, description="the same of a scan that could not be saved as a whole"
    )
    purge_after_scans: int = Field(
        1000,
        ge=0,
        description="finished scans that are known at most, the latest ones; half of them may be failed ones",
    )

    @field_validator("path_map", "roots", mode="before")
    @classmethod
    def _split_path_map(cls, value: Any) -> Any:
        """The environment gives one text: its parts are separated by commas."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("path_map")
    @classmethod
    def _check_path_map(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        PathMaps.parse(value)
        return value

    @field_validator("roots")
    @classmethod
    def _check_roots(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Roots.parse(value)
        return value

    @field_validator("entry_name")
    @classmethod
    def _check_entry_name(cls, value: str) -> str:
        check_entry_name(value)
        return value

    @field_validator("applications")
    @classmethod
    def _check_applications(cls, value: Path | None) -> Path | None:
        application_definitions(value)
        return value

    @field_validator("compression_scheme")
    @classmethod
    def _check_compression_scheme(cls, value: str) -> str:
        if value.lower() not in ("", *SCHEMES):
            raise ValueError(UnknownCompression(value, SCHEMES))
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given, environment, file: the first that has a field wins."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        file = _settings_file(given)
        if file is None:
            return init_settings, env_settings
        _existing(file)
        if file.suffix in (".yml", ".yaml"):
            return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, file)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    @property
    def paths(self) -> PathMaps:
        """The path maps and the roots, ready to apply. Links in the roots are followed once in a process: a
        disk that hangs is not asked again."""
        return _paths(self.path_map, self.roots)

    @property
    def patience(self) -> Patience:
        """With files that another process writes."""
        return Patience(self.wait_for_file_s, self.side_file_after_entries)

    @property
    def retention(self) -> Retention:
        """Of finished scans."""
        return Retention(self.purge_after_s, self.purge_failed_after_s, self.purge_after_scans)

    @property
    def layout(self) -> LayoutOptions:
        """Those that concern the layout: every field of LayoutOptions has its namesake here."""
        return LayoutOptions(**{name: getattr(self, name) for name in LayoutOptions.__dataclass_fields__})


_paths = lru_cache(PathMaps.parse)


def read_options(given: Mapping[str, Any], *, given_by: str = "") -> WriterOptions:
    """Options from what is ``given`` and not None, the environment, the settings file. Raises BadOptions.

    ``given_by`` says what gave them in the messages: ``command line``, ``device property``.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        return WriterOptions(**given)
    except ValidationError as error:
        why = "; ".join(_what_is_wrong(each, given, given_by) for each in error.errors())
    except OSError as error:
        why = f"settings_file: {error.filename} cannot be read: {error.strerror}"
    except SettingsError as error:
        why = str(error)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = f"settings_file: {_settings_file(given)} is no {_language(given)}: {error}"
    except yaml.YAMLError as error:
        why = f"settings_file: {_settings_file(given)} is no YAML: {' '.join(str(error).split())}"
    except (TypeError, ValueError):  # what YAML makes of a file that is no mapping
        if _settings_file(given) is None:
            raise
        why = f"settings_file: {_settings_file(given)} has no options: write one 'name: value' in each line"
    raise BadOptions(why)


def warn_of_unknown_variables() -> None:
    """A misspelt variable of the environment changes nothing: log which, and what may have been meant."""
    for variable in sorted(os.environ):
        name = variable.lower().removeprefix(PREFIX.lower())
        if not variable.upper().startswith(PREFIX) or name in (*WriterOptions.model_fields, *NO_OPTIONS):
            continue
        close = _close_to(name, NO_OPTIONS)
        meant = f", did you mean {PREFIX}{close.upper()}?" if close else ""
        logger.warning(
            "The environment variable %s sets nothing: there is no option %s%s", variable, name, meant
        )


def _close_to(name: str, others: Iterable[str] = ()) -> str:
    """The option, or one of the ``others``, that may have been meant; empty where none is like it."""
    return next(iter(difflib.get_close_matches(name, (*WriterOptions.model_fields, *others), 1)), "")


def _settings_file(given: Mapping[str, Any]) -> Path | None:
    path = given.get("settings_file") or _variables().get("settings_file")
    return Path(path) if path else None


def _language(given: Mapping[str, Any]) -> str:
    file = _settings_file(given)
    return "YAML" if file is not None and file.suffix in (".yml", ".yaml") else "TOML"


def _variables() -> dict[str, str]:
    """What the environment says, by the names of options."""
    variables = {name.lower(): value for name, value in os.environ.items()}
    prefix = PREFIX.lower()
    return {name.removeprefix(prefix): value for name, value in variables.items() if name.startswith(prefix)}


def _existing(path: Path) -> Path:
    """The file; a missing one would be passed over in silence."""
    path.open("rb").close()
    return path


def _what_is_wrong(error: ErrorDetails, given: Mapping[str, Any], given_by: str) -> str:
    name = ".".join(map(str, error["loc"]))
    where = _where(str(error["loc"][0]), given, given_by)
    if error["type"] == "extra_forbidden":
        meant = f", did you mean {close}?" if (close := _close_to(name)) else ""
        return f"there is no option {name}{where}{meant}"
    if error["type"] == "value_error":
        return f"{name}: {error['ctx']['error']}{where}"
    return f"{name}: {error['msg'].partition(', ')[0]}, not {error['input']!r}{where}"


def _where(name: str, given: Mapping[str, Any], given_by: str) -> str:
    """Who said it, as the first that has an option wins."""
    if name in given:
        return f" ({given_by})" if given_by else ""
    if name in _variables():
        return f" (environment variable {PREFIX}{name.upper()})"
    return f" (settings file {_settings_file(given)})"
