"""What the page for bad nights says is there: attributes, commands, messages, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nexus_writer.cli.app import main
from nexus_writer.subscribers import WriterOptions
from tango_server.attributes import READINGS
from tango_server.device import NexusWriter

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "bad-nights.md"
TEXT = PAGE.read_text()
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
OF_OTHERS = (
    *(
        "Cannot check Nexus writer state",
        "Connection refused",
        "No space left on device",
        "Disk quota exceeded",
    ),
    *("Input/output error", "unable to lock file", "points 1200 to 1899 never came"),
)
"""Messages of BLISS, the operating system and HDF5; and one with numbers."""
MESSAGES = [
    span
    for span in SPANS
    if re.fullmatch(r"%? ?[A-Za-z]+( [a-z,A-Z]+){1,}", span)
    and not re.match(r"(redis-cli|systemctl|nexus-writer|lsof|kill|df|ps)\b", span)
    and span not in OF_OTHERS
]


def sources() -> str:
    """All texts of the program, those that are cut into several put together."""
    text = "\n".join(
        path.read_text()
        for package in ("nexus_writer", "tango_server")
        for path in (ROOT / package).rglob("*.py")
    )
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_are_those_of_the_program(message: str) -> None:
    assert message.replace("% ", "%% ", 1) in sources() or message in sources()


def test_there_are_such_messages() -> None:
    assert len(MESSAGES) > 10


@pytest.mark.parametrize("line", sorted(set(re.findall(r"nexus-writer [a-z][^`\n]*", TEXT))))
def test_commands_are_understood(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [*line.split()[:2], "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    options = re.findall(r"--[a-z-]+", line)
    said = capsys.readouterr().out
    assert all(option in said for option in options)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bdevice\.(\w+)", TEXT))))
def test_the_device_has_it(name: str) -> None:
    known = {*READINGS, *dir(NexusWriter), "state", "status", "start", "read_attribute", "free_disk_space"}
    assert name in known


def test_options_and_attributes_that_are_named() -> None:
    words = [span for span in SPANS if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)]
    known = {*WriterOptions.model_fields, *READINGS, "free_disk_space", "end_reason"}
    known |= {"open_live", "written_by", "scan_description"}
    assert set(words) <= known
    assert len(words) > 5


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)", TEXT))))
def test_links_lead_somewhere(target: str) -> None:
    assert (PAGE.parent / target).is_file()
