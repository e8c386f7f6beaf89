"""Programs of the reference are run, and print what stands below them; its promises have their tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import nexus_writer.acquisition
import nexus_writer.acquisition.detectors

DOCUMENTS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCUMENTS / "reference" / "acquisition.md").read_text()
DETECTORS = (DOCUMENTS / "reference" / "detectors.md").read_text()
TEXTS = [REFERENCE, DETECTORS, (DOCUMENTS / "how-to" / "simulate-detectors.md").read_text()]
PROGRAM = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAMS = [program for text in TEXTS for program in PROGRAM.findall(text)]


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=[str(n) for n in range(len(PROGRAMS))])
def test_a_program_of_the_reference(program: str, output: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)


def test_every_program_has_its_output() -> None:
    assert len(PROGRAMS) == sum(text.count("```python") for text in TEXTS)
    assert all(PROGRAM.search(text) for text in TEXTS)


def test_every_promise_has_its_test() -> None:
    tests = re.findall(r"^\| A\d+ \| .* \| `(test_\w+)` \|$", REFERENCE, re.MULTILINE)
    code = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert len(tests) == len(re.findall(r"^\| A\d+ \|", REFERENCE, re.MULTILINE)) > 0
    assert [test for test in tests if f"def {test}(" not in code] == []


def test_every_public_name_is_in_the_reference() -> None:
    assert [name for name in nexus_writer.acquisition.__all__ if f"`{name}" not in REFERENCE] == []
    assert [name for name in nexus_writer.acquisition.detectors.__all__ if f"`{name}" not in DETECTORS] == []
