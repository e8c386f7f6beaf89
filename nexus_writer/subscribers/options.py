"""What can be set about saving scans: one model for device properties, command line and environment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nexus_writer.model.path_map import PathMaps


class WriterOptions(BaseSettings):
    """How scans are saved. Every field can come from ``NEXUS_WRITER_<FIELD>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="NEXUS_WRITER_", frozen=True, extra="forbid")

    keepshape: bool = Field(False, description="keep the shape of a grid scan instead of flattening it")
    multivalue_positioners: bool = Field(
        False, description="group the channels of a master with several channels in one NXpositioner"
    )
    enable_external_nonhdf5: bool = Field(False, description="link EDF images as external raw data")
    disable_external_hdf5: bool = Field(False, description="do not link HDF5 images as virtual datasets")
    copy_non_external: bool = Field(False, description="copy images that are not linked")
    noconfig: bool = Field(False, description="ignore what the session says of its devices for the writer")
    stackmca: bool = Field(False, description="stack the MCA spectra of an application definition")
    required_disk_space: float = Field(
        200.0, description="free disk space in MB below which nothing is written"
    )
    recommended_disk_space: float = Field(
        1024.0, description="free disk space in MB below which a scan is warned"
    )
    path_map: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="FROM=TO: directories of the beamline and what this host calls them"
    )
    writer_name: str = Field("nexus", description="scans with this data_writer are saved")
    flush_period_s: float = Field(0.25, gt=0, description="seconds between two flushes of a running scan")
    flush_bytes: int = Field(32 * 2**20, gt=0, description="bytes received that are flushed at once")
    pace_s: float = Field(0.02, ge=0, description="seconds between two reads of a scan that sends slowly")
    queue_size: int = Field(8, gt=0, description="replies of Redis that may wait for the writer thread")
    purge_after_s: float = Field(300.0, ge=0, description="seconds after which a finished scan is forgotten")

    @field_validator("path_map", mode="before")
    @classmethod
    def _split_path_map(cls, value: Any) -> Any:
        """The environment gives one text: maps are separated by commas."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("path_map")
    @classmethod
    def _check_path_map(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        PathMaps.parse(value)
        return value

    @property
    def paths(self) -> PathMaps:
        """The path maps, ready to apply."""
        return PathMaps.parse(self.path_map)
