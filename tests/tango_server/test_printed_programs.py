"""Programs of the how-to pages that ask the device, run beside one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .servers import Server

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
DEVICE = "id00/bliss_nxwriter/demo_session"


def programs() -> list[str]:
    """A block of Python on the one page, an argument of a shell on the other."""
    nights = (HOW_TO / "bad-nights.md").read_text()
    (look,) = re.findall(r"^```python\n(.*?)^```", nights, re.MULTILINE | re.DOTALL)
    moving = (HOW_TO / "move-from-the-classic-writer.md").read_text()
    (check,) = re.findall(r'python -c "\n(.*?)"\n', moving, re.DOTALL)
    return [look, check]


def test_printed_programs(server: Server) -> None:
    for program in programs():
        assert DEVICE in program
        command = [sys.executable, "-c", program.replace(DEVICE, server.addresses[0])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        assert done.stdout.startswith("ON Waiting for session")
