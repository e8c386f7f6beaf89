"""Programs of the documents are run, and print what stands below them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import nexus_writer.process

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "processes.md").read_text()
HOW_TO = (DOCS / "how-to" / "message-processes.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", HOW_TO, re.MULTILINE | re.DOTALL)


def test_every_program_has_its_output() -> None:
    assert len(PROGRAMS) == HOW_TO.count("```python") == HOW_TO.count("```text") > 5
    assert "```python" not in REFERENCE


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=[str(n) for n in range(len(PROGRAMS))])
def test_a_program_of_the_how_to(program: str, output: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)


def test_every_promise_has_its_test() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| `(test_\w+)` \|$", REFERENCE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 44))
    code = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [test for _, test in rows if f"def {test}(" not in code] == []


def test_every_public_name_is_in_the_reference() -> None:
    implied = {"ProcessError", "FrontPipe", "MessagePipe", "RemoteTraceback"}
    assert [
        name for name in nexus_writer.process.__all__ if name not in REFERENCE and name not in implied
    ] == []
