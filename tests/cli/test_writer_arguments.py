"""Every option of the writer on a command line, written the classic way or with dashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from nexus_writer.cli.writer_arguments import UNDERSCORES, with_writer_options
from nexus_writer.subscribers import BadOptions, WriterOptions

app = typer.Typer()
got: list[tuple[str, WriterOptions]] = []


@app.command(context_settings=UNDERSCORES)
@with_writer_options
def _save(session: str, *, options: WriterOptions) -> None:
    got.append((session, options))


@pytest.fixture(autouse=True)
def _nothing_yet() -> Iterator[None]:
    got.clear()
    yield


def options_of(*arguments: str) -> WriterOptions:
    """What the command gets."""
    app(["a_session", *arguments], standalone_mode=False)
    session, options = got.pop()
    assert session == "a_session"
    return options


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--keepshape"], "keepshape", True),
        (["--multivalue_positioners"], "multivalue_positioners", True),
        (["--multivalue-positioners"], "multivalue_positioners", True),
        (["--enable_external_nonhdf5"], "enable_external_nonhdf5", True),
        (["--disable_external_hdf5"], "disable_external_hdf5", True),
        (["--copy_non_external"], "copy_non_external", True),
        (["--noconfig"], "noconfig", True),
        (["--stackmca"], "stackmca", True),
        (["--validation"], "validation", True),
        (["--required_disk_space", "20"], "required_disk_space", 20.0),
        (["--recommended-disk-space=30.5"], "recommended_disk_space", 30.5),
        (["--path-map", "/a=/b", "--path_map", "/c=/d"], "path_map", ("/a=/b", "/c=/d")),
        (["--roots", "/a", "--roots", "/b"], "roots", ("/a", "/b")),
        (["--entry_name", "s_{scan_nb}_{subscan}"], "entry_name", "s_{scan_nb}_{subscan}"),
        (["--compression-scheme", "blosc2"], "compression_scheme", "blosc2"),
        (["--compression-threads", "3"], "compression_threads", 3),
        (["--compression-bytes", "1000"], "compression_bytes", 1000),
        (["--flush-period-s", "1"], "flush_period_s", 1.0),
        (["--queue-size", "3"], "queue_size", 3),
    ],
)
def test_an_option_reaches_the_writer(arguments: list[str], name: str, value: Any) -> None:
    assert getattr(WriterOptions(), name) != value
    assert getattr(options_of(*arguments), name) == value


def test_what_is_not_given_is_left_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_WRITER_KEEPSHAPE", "1")
    monkeypatch.setenv("NEXUS_WRITER_PATH_MAP", "/a=/b")
    options = options_of()
    assert options.keepshape
    assert options.path_map == ("/a=/b",)
    assert not options_of("--no-keepshape").keepshape


def test_every_option_has_a_flag() -> None:
    for name, field in WriterOptions.model_fields.items():
        if field.annotation is bool:
            assert getattr(options_of(f"--{name}"), name) is True


def test_a_value_that_makes_no_sense() -> None:
    with pytest.raises(BadOptions, match="is not FROM=TO"):
        options_of("--path-map", "nonsense")
