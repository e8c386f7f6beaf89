"""Checks of what is typed, as callbacks of typer: they return the value, or raise BadParameter."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

import typer

import nexus_writer.log_files
from nexus_writer.data.session_name import BadSessionName, check_session_name
from nexus_writer.model.entry_names import BadEntryName, check_entry_name


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


def seconds(value: float) -> float:
    if not math.isfinite(value) or value <= 0:
        raise typer.BadParameter(f"{value:g} is no time: give a number of seconds above 0")
    return value


def seconds_or_never(value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise typer.BadParameter(f"{value:g} is no time: give a number of seconds, 0 for never")
    return value


def entry_name_template(text: str) -> str:
    try:
        check_entry_name(text)
    except BadEntryName as error:
        raise typer.BadParameter(str(error)) from None
    return text


def not_empty(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise typer.BadParameter("it is empty: give an address, or leave the option out")
    return text
