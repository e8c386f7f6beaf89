"""The process that validates: ``python -m nexus_writer.subscribers.validation_process FILE ENTRY ...``.

One of its own, because the validator takes a second of Python and keeps what it learned; it gives way to
everything else on the host. Prints a JSON object with the findings by entry.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .nexus_rules import validate_entry

NICE = 19


def main(arguments: list[str]) -> None:
    os.nice(NICE)
    path, *entries = arguments
    findings = {entry: validate_entry(Path(path), entry).to_dict() for entry in entries}
    sys.stdout.write(json.dumps(findings))


if __name__ == "__main__":
    main(sys.argv[1:])
