"""Programs of the how-to are run over a recorded scan."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from nexus_writer.data.connection import URL_VARIABLE
from nexus_writer.data.recording import Recording, replay

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "follow-without-gevent.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", HOW_TO.read_text(), re.MULTILINE | re.DOTALL)
EXPECTED = [
    ["elapsed_time from point 0 on: 10 points", "has ended, error: none"],
    ["elapsed_time has 10 points, the last is"],
    ["has ended"],
]


@pytest.mark.parametrize(
    ("program", "expected"), list(zip(PROGRAMS, EXPECTED, strict=True)), ids=["0", "1", "2"]
)
def test_a_program_of_the_how_to(
    program: str,
    expected: list[str],
    tmp_path: Path,
    redis_client: redis.Redis,
    redis_url: str,
    captures: Path,
) -> None:
    replay(Recording(captures / "loopscan10" / "timeline.jsonl.gz"), redis_client)
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, URL_VARIABLE: redis_url}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    for text in expected:
        assert text in done.stdout
