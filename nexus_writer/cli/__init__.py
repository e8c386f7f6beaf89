"""The ``nexus-writer`` command."""

from .app import main

__all__ = ["main"]
