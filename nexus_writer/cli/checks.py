"""Checks of what is typed, as callbacks of typer: they return the value, or raise BadParameter."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

import typer

import nexus_writer.log_files
from nexus_writer.data.session_name import BadSessionName, check_session_name


def session_name(text: str) -> str:
    try:
        check_session_name(text)
    except BadSessionName as error:
        raise typer.BadParameter(str(error)) from None
    return text


def log_level(text: str) -> str:
    try:
        return nexus_writer.log_files.log_level(text)
    except ArgumentTypeError as error:
        raise typer.BadParameter(str(error)) from None


def megabytes(value: float) -> float:
    """Typer's own limits let NaN through."""
    if not math.isfinite(value) or value < 0:
        raise typer.BadParameter(f"{value:g} is no size: give a number of MB, 0 for no rotation")
    return value


def not_empty(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise typer.BadParameter("it is empty: give an address, or leave the option out")
    return text
