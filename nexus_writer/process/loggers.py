"""Loggers named after classes, and a format for who wants one."""

from __future__ import annotations

import logging

__all__ = ["LoggedByClass"]


class LoggedByClass:
    """Gives a class the logger of its name; an object's own logger is one below it, or the same."""

    @classmethod
    def formatLogger(cls, level: int | None = logging.INFO) -> None:
        """Show what is logged on stderr, with its logger's name; calling it again changes the level.

        Nothing is shown twice in a program that shows its logs itself (the root logger has handlers).
        """
        logger = logging.getLogger(cls.__name__)
        if not any(isinstance(handler, _Handler) for handler in logger.handlers):
            logger.addHandler(_Handler())
        if level is not None:
            logger.setLevel(level)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s - %(levelname)s - %(message)s"))

    def filter(self, record: logging.LogRecord) -> bool:
        return not logging.getLogger().handlers and bool(super().filter(record))


def shown_level(name: str) -> int | None:
    """The level at which ``formatLogger`` shows a class; None where it was not called."""
    logger = logging.getLogger(name)
    return logger.level if any(isinstance(handler, _Handler) for handler in logger.handlers) else None
