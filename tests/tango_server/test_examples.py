"""What the examples and the reference say is what the programs take."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tango

from nexus_writer.log_files import LogOptions
from tango_server.device import NexusWriter
from tango_server.register import command_line as registration_command_line
from tango_server.register import move
from tango_server.service import command_line

from .servers import Database, environment

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
REFERENCE = (ROOT / "docs" / "reference" / "tango-device.md").read_text()


def properties() -> set[str]:
    return set(NexusWriter.TangoClassClass.device_property_list)


def test_the_example_of_a_beamline_has_properties_of_the_device() -> None:
    text = (CONFIG / "beacon" / "nexuswriter_demo_session.yml").read_text()
    below = text.split("properties:")[1]
    names = set(re.findall(r"^ {6}(\w+):", below, re.MULTILINE))
    assert names >= {"session", "path_map", "required_disk_space"}
    assert names <= properties()
    assert "class: NexusWriter" in text


def test_the_registration_example_has_properties_of_the_device() -> None:
    names = set(re.findall(r'^ {12}"(\w+)": \[', (CONFIG / "register-beamline.sh").read_text(), re.MULTILINE))
    assert names
    assert names <= properties()


def test_the_registration_example_runs_again_and_again(database: Database) -> None:
    """And stops with one line where a session is served elsewhere."""
    device = "id77/bliss_nxwriter/optics"
    variables = {
        "TANGO_HOST": database.tango_host,
        "BEAMLINE": "ID77",
        "BIN": str(Path(sys.executable).parent),
    }
    for _ in range(2):
        done = registration(**variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("of the server nexuswriter/beamline\n") == 3
    assert list(database.client().get_device_property(device, "recommended_disk_space").values()) == [
        ["10240"]
    ]
    move(database.client(), device, "nexuswriter/optics")
    done = registration(**variables)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "optics belongs to the server nexuswriter/optics, not to nexuswriter/beamline" in done.stderr


def registration(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", CONFIG / "register-beamline.sh"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def examples_of_the_service() -> list[str]:
    texts = [(CONFIG / "nexus-writer@.service").read_text(), (CONFIG / "logging.md").read_text()]
    return re.findall(r"NexusWriterService ((?:[\w%@].*?)(?:\\\n.*?)*)$", "\n".join(texts), re.MULTILINE)


@pytest.mark.parametrize("example", examples_of_the_service())
def test_command_lines_of_examples_are_understood(example: str) -> None:
    options = command_line().parse_args(shlex.split(example.replace("\\\n", " ")))
    assert options.instance in ("%i", "demo_session")
    assert LogOptions.from_arguments(options) != LogOptions()


def test_there_are_examples() -> None:
    assert len(examples_of_the_service()) == 3


def test_the_reference_names_everything(idle_device: tango.DeviceProxy) -> None:
    named = set(re.findall(r"`(\w+)`", REFERENCE))
    commands = {info.cmd_name for info in idle_device.command_list_query()} - {"State", "Status"}
    attributes = set(idle_device.get_attribute_list()) - {"State", "Status"}
    assert commands | attributes | properties() <= named
    for program in (command_line(), registration_command_line()):
        options = set(re.findall(r"--[\w-]+", program.format_help())) - {"--help", "--version"}
        assert options <= set(re.findall(r"--[\w-]+", REFERENCE))
