from __future__ import annotations

import gc
import json
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest

from nexus_writer.acquisition import BufferClosed, SharedArray, SharedMem
from nexus_writer.acquisition.shared_mem import FOLDER
from tests.acquisition.programs import answer, program

READER = """
import json, sys
from nexus_writer.acquisition import SharedMem
memory = SharedMem(**json.loads(sys.argv[1]))
array = memory.to_numpy(8, "int16", (2, 3), (2, 4))
print(array.tolist(), array.flags.writeable, flush=True)
"""

CREATOR = """
from nexus_writer.acquisition import SharedMem
memory = SharedMem(100)
memory.to_numpy(0, "uint8", (100,))[:] = 7
print(memory.shm_id, flush=True)
input()
"""


def test_another_process_sees_the_bytes() -> None:
    memory = SharedMem(64)
    memory.to_numpy(8, "int16", (6,))[:] = np.arange(6)
    described = memory.to_dict()
    assert pickle.loads(pickle.dumps(described)) == described
    with program(READER, json.dumps(described)) as reader:
        assert answer(reader) == "[[0, 2, 4], [1, 3, 5]] False"
    memory.close()


def test_an_array_outlives_the_close() -> None:
    memory = SharedMem(1 << 20)
    array = memory.to_numpy(0, "uint8", (1 << 20,))
    array[:] = 3
    memory.close()
    assert not (FOLDER / memory.shm_id).exists()
    assert array.sum() == 3 << 20
    with pytest.raises(BufferClosed):
        memory.to_numpy(0, "uint8", (1,))
    memory.close()


def mapped(name: str) -> bool:
    return name in Path("/proc/self/maps").read_text()


def test_the_memory_goes_with_the_last_array() -> None:
    memory = SharedMem(4096)
    reader = SharedMem(**memory.to_dict())
    array = reader.to_numpy(0, "uint8", (10,))
    memory.close()
    reader.close()
    assert mapped(memory.shm_id)
    assert array[0] == 0
    del array
    gc.collect()
    assert not mapped(memory.shm_id)


def test_the_reader_of_a_killed_creator_removes_it() -> None:
    with program(CREATOR) as creator:
        shm_id = answer(creator)
        reader = SharedMem(100, shm_id)
        other = SharedMem(100, shm_id)
        other.close()
        assert (FOLDER / shm_id).exists()
        os.kill(creator.pid, signal.SIGKILL)
        creator.wait()
        assert reader.to_numpy(0, "uint8", (100,)).sum() == 700
        reader.close()
    assert not (FOLDER / shm_id).exists()


def test_the_next_creator_removes_what_a_killed_one_left() -> None:
    with program(CREATOR) as alive, program(CREATOR) as killed:
        kept, left = answer(alive), answer(killed)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        SharedMem(1).close()
        assert not (FOLDER / left).exists()
        assert (FOLDER / kept).exists()
    SharedMem(1).close()


def test_a_fork_of_the_creator_leaves_it_alone() -> None:
    memory = SharedMem(16)
    child = os.fork()
    if not child:
        memory.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert (FOLDER / memory.shm_id).exists()
    memory.close()


def test_mistakes_are_one_line() -> None:
    with pytest.raises(ValueError, match="one byte or more"):
        SharedMem(0)
    with pytest.raises(ValueError, match="no shared memory of ours"):
        SharedMem(1, "../etc/passwd")
    with pytest.raises(FileNotFoundError, match="is gone"):
        SharedMem(1, "nexus_acquisition_0123")
    memory = SharedMem(10)
    with pytest.raises(ValueError, match="less than 11"):
        SharedMem(11, memory.shm_id)
    memory.close()


def test_a_shared_array() -> None:
    array = SharedArray((2, 3), [("r", "u1"), ("g", "u1")])
    array.to_numpy()["g"] = 5
    opened = SharedArray(**json.loads(json.dumps(array.to_dict())))
    assert opened.to_numpy()["g"].sum() == 30
    opened.close()
    array.close()
