"""A backend that runs asyncio."""

from __future__ import annotations

import inspect
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexus_writer.process import BackendDied, MessageObject, exclog
from tests.process.programs import FailingAsyncStart, MyAsyncProcess, Recorder, in_thread, rss_bytes
from tests.waiting import allowed_s

Start = Callable[..., Any]


def test_a_coroutine_is_run_and_its_pipe_is_a_duplex(start_method: str, record_path: Path) -> None:
    process = MyAsyncProcess(record=record_path, start_method=start_method)
    pipe = process.getPipe()
    descriptor = pipe.getReadFd()
    assert descriptor == pipe.fileno() == process.getReadFd()
    process.start()
    process.sendMessageToBack(MessageObject("myStuff", parameter="gotcha!"))
    assert select.select([], [process.getWriteFd()], [], 5)[1]
    process.sendPing([1])
    assert select.select([descriptor], [], [], 5)[0] == [descriptor]
    assert pipe.recv() == MessageObject("pong", lis=[1, 2, 3])
    pipe.send((0, "echo", {"data": "by the pipe itself"}))
    assert pipe.recv() == "by the pipe itself"
    assert process.call("add", a=1).result(60) == 2
    with pytest.raises(LookupError, match="no way"):
        process.call("fail").result(60)
    assert process.stop() == 0
    assert "myStuff gotcha!" in Recorder(record_path).lines()


@pytest.mark.parametrize(("command", "done"), [("slow", [0, 1]), ("slow_task", [1, 0])])
def test_commands_are_serial_and_tasks_overlap(started: Start, command: str, done: list[int]) -> None:
    process = started(MyAsyncProcess(), wait=True)
    for number, duration_s in enumerate((1.0, 0.01)):
        process.sendMessageToBack(MessageObject(command, number=number, duration_s=duration_s))
    assert [process.getPipe().recv() for _ in range(2)] == done


def test_what_is_run_before_and_after(start_method: str, record_path: Path) -> None:
    process = MyAsyncProcess(record=record_path, start_method=start_method)
    process.start()
    process.sendMessageToBack(MessageObject("myStuff", parameter=1))
    assert process.stop() == 0
    lines = ["preRun", "asyncPre", "myStuff 1", "asyncPost", "postRun"]
    assert Recorder(record_path).lines() == lines


def test_a_failed_asynchronous_start_is_told(start_method: str, record_path: Path) -> None:
    process = FailingAsyncStart(record=record_path, start_method=start_method)
    with pytest.raises(OSError, match="no device"):
        process.start(wait=True)
    with pytest.raises(OSError, match="no device"):
        process.call("add", a=1).result(60)
    assert process.stop() == 1
    assert Recorder(record_path).lines() == ["preRun", "postRun"]


def test_messages_of_all_sizes_both_ways(started: Start, start_method: str) -> None:
    process = started(MyAsyncProcess(start_method=start_method), wait=True)
    for size in (1, 7, 8, 9, 65_500, 65_537, 300_001, 10_000_003):
        data = os.urandom(size)
        begun_s = time.monotonic()
        process.sendMessageToBack(MessageObject("echo", data=data))
        assert process.getPipe().recv() == data
        assert time.monotonic() - begun_s < allowed_s(0.5)


def test_ten_thousand_messages_keep_their_order_in_asyncio(started: Start) -> None:
    process = started(MyAsyncProcess())
    sender = in_thread(
        lambda: [process.sendMessageToBack(MessageObject("echo", data=n)) for n in range(10_000)]
    )
    assert [process.getPipe().recv() for _ in range(10_000)] == list(range(10_000))
    sender.join()


def test_what_is_sent_just_before_the_stop_arrives(start_method: str) -> None:
    process = MyAsyncProcess(start_method=start_method)
    process.start()
    process.sendMessageToBack(MessageObject("send", count=200, size=20_000))
    assert process.stop() == 0
    received = [process.getPipe().recv() for _ in range(200)]
    assert received == [(number, bytes(20_000)) for number in range(200)]
    with pytest.raises(BackendDied, match="exit code 0"):
        process.getPipe().recv()


def test_a_backend_that_sends_faster_than_it_is_read_keeps_its_size(started: Start) -> None:
    process = started(MyAsyncProcess(), wait=True)
    before = process.call("rss").result(60)
    process.sendMessageToBack(MessageObject("send", count=2000, size=100_000))
    process.getPipe().poll(5)
    time.sleep(0.5)
    assert rss_bytes(process.pid) - before < 20e6
    assert [process.getPipe().recv()[0] for _ in range(2000)] == list(range(2000))


def test_a_backend_that_is_sent_more_than_it_handles_keeps_its_size(started: Start) -> None:
    process = started(MyAsyncProcess(), wait=True)
    before = process.call("rss").result(60)
    process.sendMessageToBack(MessageObject("slow", number=-1))
    sender = in_thread(
        lambda: [
            process.sendMessageToBack(MessageObject("myStuff", parameter=bytes(100_000))) for _ in range(500)
        ]
    )
    time.sleep(0.2)
    assert rss_bytes(process.pid) - before < 20e6
    sender.join()
    assert process.getPipe().recv() == -1


def test_a_backend_that_is_sent_more_than_it_handles_does_not_spin(started: Start) -> None:
    process = started(MyAsyncProcess(), wait=True)
    before_s = process.call("busy_s").result(60)
    process.sendMessageToBack(MessageObject("slow", number=-1))
    for _ in range(3):
        process.sendMessageToBack(MessageObject("slow", number=0))
        time.sleep(0.02)
    after_s = process.call("busy_s").result(60)
    assert after_s - before_s < 0.3, "it waits 1.2 s"
    assert [process.getPipe().recv() for _ in range(4)] == [-1, 0, 0, 0]


def test_a_send_that_is_cancelled_goes_out_whole() -> None:
    process = MyAsyncProcess()
    process.start(wait=True)
    process.call("cancelled_send", size=5_000_000).result(60)
    process.requestStop()
    assert process.getPipe().recv() == bytes(5_000_000)
    assert process.stop() == 0


def test_exclog_logs_and_the_loop_goes_on(
    started: Start, start_method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    MyAsyncProcess.formatLogger()
    process = started(MyAsyncProcess(start_method=start_method), wait=True)
    logging.getLogger("MyAsyncProcess").handlers.clear()
    process.sendMessageToBack(MessageObject("failing_task"))
    assert process.call("cancelled_task").result(60) == "cancelled"
    process.stop()
    if start_method == "spawn":
        shown = capfd.readouterr().err
        assert "MyAsyncProcess.my-async - CRITICAL" in shown
        assert "LookupError: nobody waits" in shown
        assert "in failing__" in shown


def test_exclog_keeps_name_and_documentation() -> None:
    assert MyAsyncProcess.slow__.__name__ == "slow__"
    assert MyAsyncProcess.slow__.__doc__ == "Slow."
    assert inspect.iscoroutinefunction(MyAsyncProcess.slow__)
    assert exclog.__doc__


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start_method: str, record_path: Path, number: signal.Signals) -> None:
    process = MyAsyncProcess(record=record_path, start_method=start_method)
    process.start(wait=True)
    process.sendMessageToBack(MessageObject("slow_task", number=1))
    assert process.call("add", a=1).result(60) == 2
    os.kill(process.pid or 0, number)
    process.join(60)
    assert process.exitcode == -number
    assert Recorder(record_path).lines()[-2:] == ["asyncPost", "postRun"]


def test_the_death_of_an_asyncio_backend_ends_a_wait(start_method: str) -> None:
    process = MyAsyncProcess(start_method=start_method)
    process.start(wait=True)
    killed_s: list[float] = []

    def kill() -> None:
        killed_s.append(time.monotonic())
        os.kill(process.pid or 0, signal.SIGKILL)

    killer = threading.Timer(0.2, kill)
    killer.start()
    with pytest.raises(BackendDied) as caught:
        process.getPipe().recv()
    assert time.monotonic() - killed_s[0] < allowed_s(0.2)
    assert caught.value.exitcode == -9
    killer.join()
    process.stop()
    del caught
