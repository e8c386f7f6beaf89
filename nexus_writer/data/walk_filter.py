"""Which nodes a walk is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_writer.data import keys

if TYPE_CHECKING:
    from nexus_writer.data.nodes import DataNode

NodeTest = Callable[["DataNode"], bool]
NodeFilter = str | Sequence[str] | AbstractSet[str] | NodeTest | None
"""A node type, several of them, a question to the node, or None."""


@dataclass(frozen=True, slots=True)
class WalkFilters:
    """What is told of, and where a walk does not go.

    ``includes`` suppresses what is told, not where the walk goes; below excluded nodes it does not go.
    ``descends_into_existing`` is about nodes that are there when the walk starts, if it does not begin at
    the beginning.
    """

    includes: NodeTest
    excludes: NodeTest
    descends_into_existing: NodeTest
    included_types: frozenset[str] | None

    @classmethod
    def of(cls, include_filter: NodeFilter, options: Mapping[str, Any]) -> WalkFilters:
        """With what the options of a walk say."""
        if include_filter is None:
            include_filter = options.get("filter")
        exclude = options.get("exclude_children")
        existing = options.get("exclude_existing_children")
        excludes_existing = node_test(exclude if existing is None else existing, False)
        return cls(
            includes=node_test(include_filter, True),
            excludes=node_test(exclude, False),
            descends_into_existing=lambda node: not excludes_existing(node),
            included_types=node_types(include_filter),
        )

    def may_include_type(self, node_type: str) -> bool:
        return self.included_types is None or node_type in self.included_types

    def may_include_below_scans(self) -> bool:
        """Whether anything below a scan can fit."""
        return self.included_types is None or bool(self.included_types - keys.NOT_BELOW_SCANS)


def node_test(node_filter: NodeFilter, default: bool) -> NodeTest:
    """Whether a node fits; ``default`` is the answer where the filter is None."""
    if node_filter is None:
        return lambda node: default
    if callable(node_filter):
        return node_filter
    types = node_types(node_filter) or frozenset()
    return lambda node: node.type in types


def node_types(node_filter: NodeFilter) -> frozenset[str] | None:
    """The types that a filter lets through; None when it does not go by type alone."""
    if node_filter is None or callable(node_filter):
        return None
    return frozenset([node_filter] if isinstance(node_filter, str) else node_filter)


def check_filter(node_filter: object, name: str) -> None:
    """Raises TypeError for what is no filter."""
    if node_filter is None or isinstance(node_filter, str) or callable(node_filter):
        return
    if isinstance(node_filter, Sequence | AbstractSet) and all(isinstance(one, str) for one in node_filter):
        return
    wanted = "a node type, several of them, or a function of a node"
    raise TypeError(f"{name} is to be {wanted}, not {node_filter!r:.60}")
