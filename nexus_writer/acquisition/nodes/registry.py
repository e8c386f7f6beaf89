"""Node classes by name: what can be made in a process without having its class at hand."""

from __future__ import annotations

import importlib

from .errors import NodeTypeTaken, UnknownNodeType
from .node import Node

__all__ = ["all_nodes", "node_type", "register_node_type", "register_node_type_from_module"]

all_nodes: dict[str, type[Node]] = {}


def register_node_type(cls: type[Node], classname: str | None = None) -> None:
    """By default the class's own name. The same again does nothing; TypeError for what is no node class."""
    if not (isinstance(cls, type) and issubclass(cls, Node)):
        raise TypeError(f"{cls!r} is not a subclass of Node")
    name = classname or cls.__name__
    if all_nodes.setdefault(name, cls) is not cls:
        raise NodeTypeTaken(name)


def register_node_type_from_module(modname: str, classname: str) -> None:
    """Import the module, and register its class. Raises what the import raises, AttributeError, TypeError."""
    register_node_type(getattr(importlib.import_module(modname), classname), classname)


def node_type(name: str) -> type[Node]:
    """UnknownNodeType (a KeyError) when nothing is registered by the name."""
    if name not in all_nodes:
        raise UnknownNodeType(name, sorted(all_nodes))
    return all_nodes[name]
