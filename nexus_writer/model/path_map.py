"""Directories as the beamline calls them, and as this host sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .roots import OutsideRoots, Roots

logger = logging.getLogger(__name__)


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
        source, _, target = text.partition("=")
        return cls.between(source, target)

    @classmethod
    def between(cls, source: str, target: str) -> Self:
        """Raises BadPathMap for directories that are not absolute."""
        if not source.startswith("/") or not target.startswith("/"):
            raise BadPathMap(f"{source}={target}" if target else source)
        return cls(source.rstrip("/"), target.rstrip("/"))

    def apply(self, path: str) -> str | None:
        """``path`` below the target, or None when it does not lie below the source."""
        if path == self.source or path.startswith(self.source + "/"):
            return (self.target + path[len(self.source) :]) or "/"
        return None


@dataclass(frozen=True, slots=True)
class PathMaps:
    """Several path maps; the one with the longest source wins. Then ``roots`` say what is allowed."""

    maps: tuple[PathMap, ...] = ()
    roots: Roots = field(default_factory=Roots)

    @classmethod
    def parse(cls, texts: Iterable[str], roots: Iterable[str] = ()) -> Self:
        """From several ``FROM=TO``, and several directories. Raises BadPathMap, BadRoot."""
        return cls(_longest_first(PathMap.parse(text) for text in texts if text), Roots.parse(roots))

    @classmethod
    def of(cls, directories: Mapping[str, str]) -> Self:
        """From ``{FROM: TO}``. Raises BadPathMap."""
        return cls(_longest_first(PathMap.between(*pair) for pair in directories.items()))

    def allowed(self, path: str) -> str:
        """``path`` as this host sees it. Raises OutsideRoots."""
        mapped = self.apply(path)
        self.roots.check(mapped)
        return mapped

    def apply(self, path: str) -> str:
        """``path`` as this host sees it; unchanged where no map fits."""
        for path_map in self.maps:
            mapped = path_map.apply(path)
            if mapped is not None:
                return mapped
        return path

    def apply_to_scan_info(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a scan info with its file name, images path and master files mapped.

        Masters that the roots do not allow are left out. The file itself is for its writer to check.
        """
        mapped = dict(info)
        if not self.maps and not self.roots.directories:
            return mapped
        for name in ("filename", "images_path"):
            if isinstance(mapped.get(name), str):
                mapped[name] = self.apply(mapped[name])
        writer = mapped.get("nexuswriter")
        if isinstance(writer, dict) and isinstance(writer.get("masterfiles"), dict):
            mapped["nexuswriter"] = {**writer, "masterfiles": self._masters(writer["masterfiles"])}
        return mapped

    def _masters(self, masters: Mapping[str, Any]) -> dict[str, Any]:
        mapped = {}
        for level, path in masters.items():
            try:
                mapped[level] = self.allowed(path) if isinstance(path, str) else path
            except OutsideRoots as error:
                logger.warning("master %s is left out: %s", level, error)
        return mapped


def _longest_first(maps: Iterable[PathMap]) -> tuple[PathMap, ...]:
    return tuple(sorted(maps, key=lambda path_map: len(path_map.source), reverse=True))
