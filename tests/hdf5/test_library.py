"""HDF5's own locks must stay out, whatever the environment says."""

from pathlib import Path

import pytest

from .processes import run_python

OPEN = """
    from nexus_writer.hdf5 import Hdf5Error, OpenFiles
    import os, sys
    files = OpenFiles()
    try:
        file = files.acquire(sys.argv[1], {})
        file.flush()
        import h5py
        h5py.File(sys.argv[1], locking=False).close()
        files.release(file)
        print("saved", os.environ.get("HDF5_USE_FILE_LOCKING"))
    except Hdf5Error as error:
        print(error)
"""


@pytest.mark.parametrize("value", ["TRUE", "BEST_EFFORT", "FALSE", "1"])
def test_the_variable_that_switches_hdf5_locks_on_has_no_effect(tmp_path: Path, value: str) -> None:
    answer = run_python(OPEN, tmp_path / "a.h5", environment={"HDF5_USE_FILE_LOCKING": value})
    assert answer == f"saved {value}"


def test_nor_when_another_package_loaded_hdf5_before_us(tmp_path: Path) -> None:
    answer = run_python(
        "\n    import h5py" + OPEN, tmp_path / "a.h5", environment={"HDF5_USE_FILE_LOCKING": "TRUE"}
    )
    assert answer == "saved TRUE"
