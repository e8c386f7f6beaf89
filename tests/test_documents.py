"""What the documents say can be typed is what there is."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_writer.cli.app import app, main
from nexus_writer.subscribers import WriterOptions
from tango_server import service

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMAND_LINE = (ROOT / "docs" / "reference" / "command-line.md").read_text()
SUBCOMMANDS = {command.callback.__name__: command for command in app.registered_commands if command.callback}


def typed(document: str) -> Iterator[str]:
    """Lines that are shown as commands: indented, or in a block."""
    block = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
    for text in (*block.findall(document), *re.findall(r"^ {4}(.*)$", document, re.MULTILINE)):
        yield from text.splitlines()


def test_the_readme_has_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README.partition("| extra |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(project["optional-dependencies"])


def test_the_readme_activates_an_environment_that_make_does_not_own() -> None:
    lines = list(typed(README))
    environment = next(line.split()[-1] for line in lines if " -m venv " in line)
    owned = re.findall(r"^VENV \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert owned
    assert environment not in owned
    activated = lines.index(f". {environment}/bin/activate")
    ours = [
        line
        for line in lines
        if re.match(r"nexus-writer |NexusWriterService |RegisterNexusWriter |pip ", line)
    ]
    assert len(ours) > 5
    assert all(lines.index(line) > activated for line in ours)


def test_the_readme_writes_where_a_user_may() -> None:
    for line in typed(README):
        assert not re.search(r"(=|\s)/(var|opt|etc|usr)/", line), line


@pytest.mark.parametrize("line", [line for line in typed(README) if line.startswith("nexus-writer ")])
def test_commands_of_the_readme_are_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(
        "nexus_writer.cli.serve.serve_session", lambda *args, **kwargs: called.append("serve")
    )
    monkeypatch.setattr("nexus_writer.cli.tree.print_tree", lambda *args: called.append("tree"))
    monkeypatch.setattr("nexus_writer.cli.plot.plot", lambda *args: called.append("plot"))
    arguments = shlex.split(line)[1:]
    app(arguments, standalone_mode=False)
    assert called == arguments[:1]


@pytest.mark.parametrize("line", [line for line in typed(README) if line.startswith("NexusWriterService ")])
def test_servers_of_the_readme_are_understood(line: str) -> None:
    assert service.command_line().parse_args(shlex.split(line)[1:]).instance


def test_the_readme_and_the_reference_name_every_command() -> None:
    for name in SUBCOMMANDS:
        assert f"nexus-writer {name}" in README.replace("make demo", "nexus-writer demo"), name
        assert f"\n## `nexus-writer {name}" in COMMAND_LINE, name


def test_the_reference_has_every_option_of_the_writer() -> None:
    table = COMMAND_LINE.partition("## Options of the writer")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named | {"settings_file"} == set(WriterOptions.model_fields)


def test_the_reference_shows_a_mistake_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (command, answer) = re.findall(r"^\$ (.*)\n(.*)$", COMMAND_LINE, re.MULTILINE)[0]
    monkeypatch.setattr("sys.argv", shlex.split(command))
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.strip() == answer


def test_nothing_is_installed_from_where_it_is_not_published() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs" / "reference").iterdir()):
        assert "install 'nexus-writer" not in path.read_text(), path


def test_the_service_of_a_standby_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[dict[str, object]] = []
    monkeypatch.setattr("nexus_writer.cli.serve.serve_session", lambda *_, **given: called.append(given))
    service_file = (ROOT / "config" / "nexus-writer-standby@.service").read_text()
    (line,) = re.findall(r"^ExecStart=\S+/(nexus-writer .*)$", service_file, re.MULTILINE)
    monkeypatch.setattr("sys.argv", shlex.split(line.replace("%i", "demo_session")))
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert called[0]["standby"]


def test_every_program_of_a_page_is_run_by_a_test() -> None:
    """A page with a block of Python is named where its blocks are run."""
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    pages = [page for part in ("how-to", "tutorial") for page in (ROOT / "docs" / part).glob("*.md")]
    with_programs = [page.name for page in pages if "```python" in page.read_text()]
    assert len(with_programs) > 8
    assert [name for name in with_programs if name not in tests] == []


def test_pages_lead_to_pages_that_there_are() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
