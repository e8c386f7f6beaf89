"""What a program pays for an import: rooms bring in only what they are made of."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALL_PUBLIC = "import importlib; m = importlib.import_module({name!r}); [getattr(m, n) for n in m.__all__]; "


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("nexus_writer.model", {"gevent", "tango", "h5py", "redis"}),
        ("nexus_writer.data", {"gevent", "tango", "h5py"}),
        ("nexus_writer.hdf5", {"gevent", "tango", "redis"}),
        ("nexus_writer.layout", {"gevent", "tango", "redis"}),
        ("nexus_writer.concurrency", {"tango", "h5py", "redis"}),
        ("nexus_writer.process", {"gevent", "tango", "h5py", "redis", "numpy"}),
        ("nexus_writer.acquisition", {"gevent", "tango", "h5py", "redis"}),
        ("nexus_writer.subscribers", {"tango"}),
    ],
)
def test_room_brings_in_only_what_it_is_made_of(package: str, absent: set[str]) -> None:
    code = ALL_PUBLIC.format(name=package) + "import sys; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not absent & set(output.split())


def test_nothing_is_monkey_patched() -> None:
    code = (
        "import nexus_writer.subscribers, tango_server.device; "
        "from gevent.monkey import is_anything_patched; print(is_anything_patched())"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "False"
