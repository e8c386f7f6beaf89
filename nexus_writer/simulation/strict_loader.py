"""YAML in which nothing is left out silently."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["StrictLoader"]


class StrictLoader(yaml.SafeLoader):  # type: ignore[misc]
    """A key that is there twice is a YAMLError: one of its values would count for nothing."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        keys = [key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
        if twice := next((key for number, key in enumerate(keys) if key in keys[:number]), None):
            raise yaml.YAMLError(f"{twice} is there twice, in line {node.start_mark.line + 1} or below")
        return super().construct_mapping(node, deep)
