"""Questions that may take for ever."""

from __future__ import annotations

import threading
import time

import pytest

from nexus_writer.subscribers.question import Question
from tests.session_scans import until
from tests.waiting import allowed_s


class Oracle:
    """Answers 1, 2, 3 ..., when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = threading.Event()
        self.fails = False

    def __call__(self) -> int:
        self.asked += 1
        assert self.may.wait(60)
        if self.fails:
            raise OSError("stale")
        return self.asked


def test_the_last_answer_holds_until_the_next_one() -> None:
    oracle = Oracle()
    question = Question(oracle)
    assert question.answer(0.01) is None
    oracle.may.set()
    assert question.answer(5) == 1
    assert question.answer(5) == 2
    oracle.may.clear()
    assert question.answer(0.01) == 2
    assert question.waits_s() > 0
    oracle.may.set()
    until(lambda: question.waits_s() == 0, "answered")


def test_there_is_one_question_at_a_time() -> None:
    oracle = Oracle()
    question = Question(oracle)
    threads = threading.active_count()
    started = time.monotonic()
    for _ in range(50):
        question.answer(0.001)
    assert time.monotonic() - started < allowed_s(0.2)
    assert oracle.asked == 1
    assert threading.active_count() <= threads + 1
    oracle.may.set()
    assert question.answer(5) == 1


def test_an_error_is_no_answer_and_the_next_call_asks_anew() -> None:
    oracle = Oracle()
    question = Question(oracle)
    oracle.may.set()
    assert question.answer(5) == 1
    oracle.fails = True
    assert question.answer(5) == 1
    oracle.fails = False
    assert question.answer(5) == 3


def test_without_another_thread_there_is_no_answer_and_the_next_call_asks_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    oracle = Oracle()
    oracle.may.set()
    question = Question(oracle)
    assert question.answer(5) == 1
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert question.answer(5) == 1
        assert question.waits_s() == 0
    assert question.answer(5) == 2
