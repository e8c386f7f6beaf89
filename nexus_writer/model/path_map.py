"""Directories as the beamline calls them, and as this host sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


class BadPathMap(ValueError):
    """A path map that is not FROM=TO with two absolute directories."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"path map {text!r} is not FROM=TO: give two absolute directories, like /data=/mnt/data"
        )


@dataclass(frozen=True, slots=True)
class PathMap:
    """Rewrites paths below one directory to another; whole path components only."""

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``FROM=TO``. Raises BadPathMap."""
        source, equals, target = text.partition("=")
        if not equals or not source.startswith("/") or not target.startswith("/"):
            raise BadPathMap(text)
        return cls(source.rstrip("/"), target.rstrip("/"))

    def apply(self, path: str) -> str | None:
        """``path`` below the target, or None when it does not lie below the source."""
        if path == self.source or path.startswith(self.source + "/"):
            return (self.target + path[len(self.source) :]) or "/"
        return None


@dataclass(frozen=True, slots=True)
class PathMaps:
    """Several path maps; the one with the longest source wins."""

    maps: tuple[PathMap, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From several ``FROM=TO``. Raises BadPathMap."""
        maps = [PathMap.parse(text) for text in texts if text]
        return cls(tuple(sorted(maps, key=lambda m: len(m.source), reverse=True)))

    def apply(self, path: str) -> str:
        """``path`` as this host sees it; unchanged where no map fits."""
        for path_map in self.maps:
            mapped = path_map.apply(path)
            if mapped is not None:
                return mapped
        return path

    def apply_to_scan_info(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a scan info with its file name, images path and master files mapped."""
        mapped = dict(info)
        if not self.maps:
            return mapped
        for field in ("filename", "images_path"):
            if isinstance(mapped.get(field), str):
                mapped[field] = self.apply(mapped[field])
        writer = mapped.get("nexuswriter")
        if isinstance(writer, dict) and isinstance(writer.get("masterfiles"), dict):
            masters = {
                k: self.apply(v) if isinstance(v, str) else v for k, v in writer["masterfiles"].items()
            }
            mapped["nexuswriter"] = {**writer, "masterfiles": masters}
        return mapped
