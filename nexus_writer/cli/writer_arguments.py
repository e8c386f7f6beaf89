"""The options of a command that saves scans: those of WriterOptions, each under its own name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer
from pydantic.fields import FieldInfo

from nexus_writer.subscribers.options import WriterOptions, read_options

UNDERSCORES = {"token_normalize_func": lambda flag: flag.replace("_", "-")}
"""Settings of a command that takes flags as the classic writer has them, too: ``--path_map``."""


def with_writer_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of WriterOptions; its parameter ``options`` gets the result.

    What is not given is left to the environment, a settings file, the defaults. Raises BadOptions when the
    command runs.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "options"]
    added = [_parameter(name, field) for name, field in WriterOptions.model_fields.items()]

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        given = {parameter.name: arguments.pop(parameter.name) for parameter in added}
        command(**arguments, options=read_options(given, given_by="command line"))

    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return run


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    kind: Any = field.annotation
    if get_origin(kind) is tuple:
        kind = list[str]
    elif kind not in (bool, int, float, str):
        kind = Path
    flag = name.replace("_", "-")
    flags = f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"
    option = typer.Option(flags, help=_help(field), show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _help(field: FieldInfo) -> str:
    text = f"{(field.description or '')[:1].upper()}{(field.description or '')[1:]}"
    if field.default in (None, "", (), False):
        return f"{text}."
    return f"{text} ({field.default})."
