"""A message process from its start to its end, however it is started."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexus_writer.process import (
    AlreadyStarted,
    BackendDied,
    MessageObject,
    MessageProcess,
    NotStarted,
    RemoteError,
    SendTimeout,
    UnknownCommand,
)
from tests.process.programs import (
    DyingProcess,
    FailingStart,
    ListeningProcess,
    MyAsyncProcess,
    MyProcess,
    OddError,
    Recorder,
    in_thread,
)
from tests.process.traces import Traces, sockets_of
from tests.waiting import allowed_s

Start = Callable[..., Any]


def test_the_example_of_the_manual(start_method: str, record_path: Path) -> None:
    process = MyProcess(name="my-process", record=record_path, start_method=start_method)
    pipe = process.getPipe()
    assert select.select([pipe], [], [], 0) == ([], [], [])
    process.start()
    process.myStuff(parameter="gotcha!")
    process.stop()
    assert process.exitcode == 0
    what, parameter, pid = Recorder(record_path).lines()[1].split()
    assert (what, parameter) == ("myStuff", "gotcha!")
    assert int(pid) == process.pid != os.getpid()


def test_name_and_logger(started: Start, start_method: str) -> None:
    process = started(MyProcess(name="my-process", start_method=start_method))
    assert process.name == "my-process"
    assert process.logger.name == "MyProcess.my-process"


def test_ping_is_answered(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))
    process.sendPing([1])
    assert select.select([process.getPipe()], [], [], 10)[0] == [process.getPipe()]
    assert process.getPipe().recv() == MessageObject("pong", lis=[1, 2, 3])


def test_ten_thousand_messages_keep_their_order_both_ways(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))
    sender = in_thread(
        lambda: [process.sendMessageToBack(MessageObject("echo", data=n)) for n in range(10_000)]
    )
    assert [process.getPipe().recv()["data"] for _ in range(10_000)] == list(range(10_000))
    sender.join()


def test_go_is_start_and_a_stop_waits_for_what_was_asked_before(start_method: str, record_path: Path) -> None:
    process = MyProcess(record=record_path, start_method=start_method)
    process.go()
    for number in range(100):
        process.myStuff(number)
    process.requestStop()
    process.waitStop()
    assert process.exitcode == 0
    assert [line.split()[1] for line in Recorder(record_path).lines()[1:-1]] == list(map(str, range(100)))


def test_what_is_sent_before_the_start_is_handled(start_method: str, record_path: Path) -> None:
    process = MyProcess(record=record_path, start_method=start_method)
    process.myStuff("early")
    process.start()
    process.stop()
    assert "myStuff early" in Recorder(record_path).lines()[1]


def test_pre_run_and_post_run_are_the_backends(start_method: str, record_path: Path) -> None:
    process = MyProcess(record=record_path, start_method=start_method)
    process.start()
    process.myStuff()
    process.stop()
    pid = process.pid
    assert Recorder(record_path).lines() == [f"preRun {pid}", f"myStuff None {pid}", f"postRun {pid}"]


def test_none_is_the_last_that_comes(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    process.start()
    process.sendMessageToBack(MessageObject("send", count=3, size=100_000))
    process.requestStop()
    process.waitStop()
    items = [process.getPipe().recv() for _ in range(4)]
    assert [item and item[0] for item in items] == [0, 1, 2, None]
    with pytest.raises(BackendDied, match="exit code 0"):
        process.getPipe().recv()


@pytest.mark.parametrize("ignored", [True, False])
def test_sigint(start_method: str, record_path: Path, ignored: bool) -> None:
    process = MyProcess(record=record_path, start_method=start_method)
    if ignored:
        process.ignoreSIGINT()
    process.start(wait=True)
    os.kill(process.pid or 0, signal.SIGINT)
    if ignored:
        assert process.call("add", a=1).result(60) == 2
        assert process.stop() == 0
    else:
        process.join(60)
        assert process.exitcode == -signal.SIGINT
        assert Recorder(record_path).lines()[-1] == f"postRun {process.pid}"


def test_format_logger_twice_is_one_handler() -> None:
    class Formatted(MessageProcess):
        pass

    logger = logging.getLogger("Formatted")
    Formatted.formatLogger()
    Formatted.formatLogger(logging.DEBUG)
    assert len(logger.handlers) == 1
    assert logger.level == logging.DEBUG
    assert logging.getLogger("MessageProcess").handlers == []


@pytest.mark.parametrize("root_shows", [False, True])
def test_format_logger_shows_each_line_once(root_shows: bool) -> None:
    code = (
        "import logging; from nexus_writer.process import MessageProcess\n"
        f"if {root_shows}: logging.basicConfig(format='root %(message)s')\n"
        "class Shown(MessageProcess): pass\n"
        "Shown.formatLogger(); Shown.formatLogger(); Shown('one').logger.info('hello')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ("root hello\n" if root_shows else "Shown.one - INFO - hello\n")


def test_a_backend_listens_to_one_more_pipe(started: Start, start_method: str) -> None:
    process = started(ListeningProcess(start_method=start_method), wait=True)
    process.other.send("hello")
    assert process.getPipe().recv() == ("other", "hello")
    before, timeouts = process.call("looked").result(60)
    begun_s = time.monotonic()
    time.sleep(0.5)
    after, _ = process.call("looked").result(60)
    assert timeouts == {0.05}
    assert 2 <= after - before <= 2 + (time.monotonic() - begun_s) / 0.05
    process.other.close()
    process.other_end.close()


def test_the_timeout_of_the_class_is_kept_without_a_busy_loop(started: Start) -> None:
    class Counting(MyProcess):
        timeout = 0.05
        looked = 0

        def readPipes__(self, timeout: float) -> None:
            self.looked += 1
            super().readPipes__(timeout)

        def c__looked(self) -> tuple[int, float]:
            return self.looked, time.process_time()

    process = started(Counting(start_method="fork"), wait=True)
    before, busy_before_s = process.call("looked").result(60)
    begun_s = time.monotonic()
    time.sleep(0.5)
    after, busy_after_s = process.call("looked").result(60)
    assert 2 <= after - before <= 2 + (time.monotonic() - begun_s) / Counting.timeout
    assert busy_after_s - busy_before_s < 0.2


def test_an_unknown_command_is_warned_of_or_refused(
    started: Start, start_method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    MyProcess.formatLogger()
    process = started(MyProcess(start_method=start_method), wait=True)
    with pytest.raises(UnknownCommand, match="no method c__nothing"):
        process.call("nothing")
    process.sendMessageToBack(MessageObject("nothing"))
    assert process.call("add", a=1).result(60) == 2
    logging.getLogger("MyProcess").handlers.clear()
    if start_method == "spawn":
        assert "MyProcess.my-process - WARNING - MyProcess has no method c__nothing" in capfd.readouterr().err


@pytest.mark.parametrize("kwargs", [{}, {"a": 1, "c": 2}])
def test_wrong_arguments_are_refused_in_the_frontend(
    started: Start, start_method: str, kwargs: dict[str, int]
) -> None:
    process = started(MyProcess(start_method=start_method))
    with pytest.raises(TypeError, match="the command add"):
        process.sendMessageToBack(MessageObject("add", **kwargs))
    with pytest.raises(TypeError, match="the command add"):
        process.call("add", **kwargs)
    assert process.call("add", a=1, b=3).result(60) == 4


def test_an_exception_reaches_the_frontend_and_the_backend_lives(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))
    with pytest.raises(LookupError, match="no way") as caught:
        process.call("fail").result(60)
    assert "in c__fail" in str(caught.value.__cause__)
    process.sendMessageToBack(MessageObject("fail", text="nor this"))
    message = process.getPipe().recv()
    assert (message(), message["command"]) == ("error", "fail")
    assert isinstance(message["error"], LookupError)
    assert "in c__fail" in str(message["error"].__cause__)
    with pytest.raises(RemoteError, match="OddError: one-two"):
        process.call("fail_oddly").result(60)
    assert issubclass(OddError, Exception)
    assert process.call("add", a=1).result(60) == 2


def test_a_command_that_returns_a_future_is_answered_when_that_is_done(
    started: Start, start_method: str
) -> None:
    process = started(MyProcess(start_method=start_method))
    held = process.call("hold")
    assert process.call("add", a=1).result(60) == 2
    assert not held.done()
    process.call("let_go", value=7).result(60)
    assert held.result(60) == 7
    held = process.call("hold")
    process.call("let_go", value=LookupError("too late"))
    with pytest.raises(LookupError, match="too late"):
        held.result(60)
    held = process.call("hold")
    process.call("let_go", value="lambda")
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        held.result(60)
    held = process.call("hold")
    process.stop()
    with pytest.raises(BackendDied):
        held.result(60)


def test_on_error_die_ends_the_backend_after_it_was_told(start_method: str, record_path: Path) -> None:
    process = DyingProcess(record=record_path, start_method=start_method)
    process.start()
    with pytest.raises(LookupError):
        process.call("fail").result(60)
    with pytest.raises(BackendDied, match="exit code 1"):
        process.getPipe().recv()
    assert process.stop() == 1
    assert Recorder(record_path).lines()[-1] == f"postRun {process.pid}"


def test_many_failures_that_nobody_reads_do_not_stop_the_backend(started: Start) -> None:
    process = started(MyProcess(start_method="fork"))
    for _ in range(500):
        process.sendMessageToBack(MessageObject("fail"))
    assert process.call("add", a=1).result(60) == 2


def test_what_can_not_be_pickled_raises_where_it_is_waited_for(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))
    with pytest.raises(Exception, match="pickle"):
        process.sendMessageToBack(MessageObject("echo", data=lambda: None))
    with pytest.raises(Exception, match="pickle"):
        process.call("give", what="lambda").result(60)
    process.sendMessageToBack(MessageObject("echo", data=1))
    assert process.getPipe().recv() == MessageObject("echo", data=1)


def test_starts_and_stops_out_of_turn(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    assert process.stop() is None
    process.requestStop()
    with pytest.raises(NotStarted, match="start"):
        process.call("add", a=1)
    process.start()
    with pytest.raises(AlreadyStarted, match="make a new one"):
        process.start()
    assert process.stop() == 0
    assert process.stop() == 0
    with pytest.raises(AlreadyStarted):
        process.start()


@pytest.mark.parametrize("waits", ["recv", "call"])
def test_the_death_of_the_backend_ends_a_wait(start_method: str, waits: str) -> None:
    process = MyProcess(start_method=start_method)
    process.start(wait=True)
    raised: list[tuple[float, BaseException]] = []
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        try:
            process.getPipe().recv() if waits == "recv" else process.call("sleep", duration_s=30).result()
        except Exception as error:
            raised.append((time.monotonic(), error))

    waiting = in_thread(wait)
    begun.wait()
    time.sleep(0.1)
    killed_s = time.monotonic()
    os.kill(process.pid or 0, signal.SIGKILL)
    waiting.join()
    ((raised_s, error),) = raised
    assert isinstance(error, BackendDied)
    assert isinstance(error, EOFError)
    assert (error.exitcode, error.signal) == (-9, signal.SIGKILL)
    assert raised_s - killed_s < allowed_s(0.2)
    assert select.select([process.getPipe()], [], [], 1)[0]
    with pytest.raises(BackendDied):
        process.sendMessageToBack(MessageObject("add", a=1))
    with pytest.raises(BackendDied):
        process.call("add", a=1).result()
    assert process.stop() == -9


def test_a_failed_start_is_told(start_method: str) -> None:
    process = FailingStart(start_method=start_method)
    with pytest.raises(OSError, match="no device"):
        process.start(wait=True)
    assert process.stop() == 1
    process = FailingStart(start_method=start_method)
    process.start()
    with pytest.raises(OSError, match="no device"):
        process.call("add", a=1).result()
    with pytest.raises(BackendDied) as caught:
        process.getPipe().recv()
    assert isinstance(caught.value.__cause__, OSError)
    assert process.stop() == 1


def test_a_backend_that_is_busy_is_ended_by_sigterm(start_method: str, record_path: Path) -> None:
    process = MyProcess(record=record_path, start_method=start_method)
    process.start(wait=True)
    process.sendMessageToBack(MessageObject("sleep", duration_s=60))
    begun_s = time.monotonic()
    assert process.stop(timeout=1) == -signal.SIGTERM
    assert time.monotonic() - begun_s < allowed_s(1)
    assert Recorder(record_path).lines()[-1] == f"postRun {process.pid}"


def test_a_backend_that_holds_on_is_ended_by_sigkill() -> None:
    process = MyProcess(start_method="fork")
    process.start()
    process.sendMessageToBack(MessageObject("hold_on"))
    assert process.getPipe().recv() == "held"
    begun_s = time.monotonic()
    assert process.stop(timeout=1) == -signal.SIGKILL
    assert time.monotonic() - begun_s < allowed_s(1)


def test_stop_takes_in_what_the_backend_still_sends(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    process.start()
    process.sendMessageToBack(MessageObject("send", count=50, size=100_000))
    assert process.stop() == 0
    assert [process.getPipe().recv()[0] for _ in range(50)] == list(range(50))


def test_messages_of_four_threads_arrive_whole(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))

    def send(thread: int) -> None:
        for number in range(300):
            process.sendMessageToBack(MessageObject("echo", data=(thread, number, bytes([thread]) * 70_000)))

    senders = [threading.Thread(target=send, args=(thread,)) for thread in range(4)]
    for sender in senders:
        sender.start()
    numbers: list[list[int]] = [[], [], [], []]
    for _ in range(1200):
        thread, number, content = process.getPipe().recv()["data"]
        assert content == bytes([thread]) * 70_000
        numbers[thread].append(number)
    for sender in senders:
        sender.join()
    assert numbers == [list(range(300))] * 4


def test_both_sides_send_much_and_the_frontend_reads(started: Start, start_method: str) -> None:
    process = started(MyProcess(start_method=start_method))
    received: list[Any] = []
    reader = in_thread(lambda: received.extend(process.getPipe().recv() for _ in range(200)))
    for _ in range(200):
        process.sendMessageToBack(MessageObject("echo", data=bytes(100_000)))
    reader.join()
    assert len(received) == 200


def test_both_sides_send_much_and_nobody_reads(start_method: str) -> None:
    process = MyProcess(start_method=start_method)
    process.send_timeout_s = 0.5
    process.start(wait=True)
    sent = 0
    with pytest.raises(SendTimeout, match="recv"):
        for _ in range(200):
            process.sendMessageToBack(MessageObject("echo", data=bytes(100_000)))
            sent += 1
    assert 2 <= sent < 20
    assert process.stop() == 0
    echoes = [process.getPipe().recv() for _ in range(sent)]
    assert all(len(echo["data"]) == 100_000 for echo in echoes)


def test_calls_whose_answers_nobody_fetched_yet(started: Start) -> None:
    process = started(MyProcess(start_method="fork"))
    replies = [process.call("add", a=number) for number in range(20_000)]
    assert [reply.result(60) for reply in replies] == list(range(1, 20_001))


def test_calls_from_many_threads_get_their_own_answers(started: Start) -> None:
    process = started(MyProcess(start_method="fork"))
    wrong: list[int] = []

    def ask(thread: int) -> None:
        for number in range(200):
            if process.call("add", a=number, b=1000 * thread).result(60) != number + 1000 * thread:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_call_has_a_time_limit(started: Start) -> None:
    process = started(MyProcess(start_method="fork"))
    reply = process.call("sleep", duration_s=1.0)
    with pytest.raises(TimeoutError):
        reply.result(0.05)
    assert not reply.done()
    assert reply.result(60) is None
    assert reply.done()


@pytest.mark.parametrize("kind", [MyProcess, MyAsyncProcess])
def test_a_hundred_starts_and_stops_leave_nothing(
    kind: type[MyProcess | MyAsyncProcess], start_method: str, full: bool
) -> None:
    before = Traces.now()
    for _ in range(100 if full else {"fork": 20, "forkserver": 5, "spawn": 3}[start_method]):
        process = kind("short", start_method=start_method)
        process.start()
        process.sendPing([])
        assert process.getPipe().recv()() == "pong"
        assert process.stop() == 0
        del process
    assert not Traces.now().beyond(before)


def test_a_hundred_killed_backends_leave_nothing(start_method: str, full: bool) -> None:
    before = Traces.now()
    for _ in range(100 if full else {"fork": 20, "forkserver": 3, "spawn": 2}[start_method]):
        process = MyProcess(start_method=start_method)
        process.start()
        process.sendMessageToBack(MessageObject("kill"))
        with pytest.raises(BackendDied):
            process.getPipe().recv()
        assert process.stop() == -9
        del process
    gc.collect()
    assert not Traces.now().beyond(before)


def test_a_backend_holds_no_pipe_of_its_siblings(started: Start, start_method: str) -> None:
    unstarted = MyProcess(start_method=start_method)
    unstarted.getPipe()
    ours = sockets_of(os.getpid())
    processes = [started(MyProcess(start_method=start_method), wait=True) for _ in range(3)]
    frontend = sockets_of(os.getpid())
    held = [sockets_of(process.pid or 0) - ours for process in processes]
    assert all(len(sockets) == 2 for sockets in held)
    assert not any(sockets & frontend for sockets in held)
    assert not held[0] & held[1] | held[1] & held[2] | held[0] & held[2]


def test_a_start_among_threads(start_method: str) -> None:
    processes: list[MyProcess] = []

    def start() -> None:
        for _ in range(3):
            process = MyProcess(start_method=start_method)
            process.start(wait=True)
            processes.append(process)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.call("add", a=1).result(60) for process in processes] == [2] * 9
    assert [process.stop() for process in processes] == [0] * 9


def test_the_default_start_method_is_multiprocessings(started: Start) -> None:
    process = started(MyProcess())
    assert process.call("give", what="pid").result(60) == process.pid
    assert multiprocessing.get_start_method() in ("fork", "forkserver", "spawn")
