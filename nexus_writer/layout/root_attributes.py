"""What the root of a new file says of where it comes from."""

from __future__ import annotations

import nexus_writer
from nexus_writer.model import Scan

from .writer_note import PROGRAM


def root_attributes(scan: Scan) -> dict[str, str]:
    """Of a new file. Its creator is who publishes the scans: tools know BLISS files by that."""
    publisher, version = scan.publisher, scan.publisher_version
    attributes = {
        "creator": publisher or PROGRAM,
        "creator_version": version if publisher else nexus_writer.__version__,
    }
    return attributes | ({"publisher_version": version} if version else {})
