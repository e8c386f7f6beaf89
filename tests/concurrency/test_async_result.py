from __future__ import annotations

import gc
import threading
import traceback
import weakref

import pytest

from nexus_writer.concurrency import AsyncResult

from .conftest import Place, outcome, until


def fail_somewhere() -> None:
    raise ZeroDivisionError("there")


def failure() -> ZeroDivisionError:
    try:
        fail_somewhere()
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_pending() -> None:
    result: AsyncResult[int] = AsyncResult()
    assert not result.ready()
    assert not result.successful()
    assert result.wait(0) is False
    with pytest.raises(TimeoutError, match="no result within 0 s"):
        result.get(timeout=0)
    assert repr(result) == "<AsyncResult pending>"


def test_value(place: Place) -> None:
    result: AsyncResult[int] = AsyncResult()
    future = place.run(result.get)
    until(lambda: result._settled._waiting.parked)
    assert result.set(5) is True
    assert outcome(future) == 5
    assert result.ready() and result.successful()
    assert result.wait() is True
    assert repr(result) == "<AsyncResult 5>"


def test_time_is_over(place: Place) -> None:
    result: AsyncResult[int] = AsyncResult()
    with pytest.raises(TimeoutError):
        outcome(place.run(result.get, 0.01))
    result.set(1)
    assert outcome(place.run(result.get, 0)) == 1


def test_exception_with_its_traceback(place: Place) -> None:
    result: AsyncResult[int] = AsyncResult()
    error = failure()
    result.set(error)
    assert result.ready() and not result.successful()
    for _ in range(3):  # the same each time, not longer and longer
        with pytest.raises(ZeroDivisionError, match="there") as caught:
            outcome(place.run(result.get))
        assert caught.value is error
        names = [frame.name for frame in traceback.extract_tb(caught.tb)]
        assert names[-1] == "fail_somewhere"
        assert names.count("fail_somewhere") == 1
        assert names.count("get") == 1


def test_the_first_one_wins() -> None:
    result: AsyncResult[int] = AsyncResult()
    assert result.set(1) is True
    assert result.set(2) is False
    assert result.set(failure()) is False
    assert result.get() == 1


def test_one_of_many_threads_wins() -> None:
    for _ in range(50):
        result: AsyncResult[int] = AsyncResult()
        won: list[int] = []
        start = threading.Barrier(4)

        def settle(number: int, result=result, won=won, start=start) -> None:  # type: ignore[no-untyped-def]
            start.wait()
            if result.set(number):
                won.append(number)

        threads = [threading.Thread(target=settle, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [result.get(0)]


def test_getting_an_error_makes_no_cycle() -> None:
    result: AsyncResult[int] = AsyncResult()
    result.set(failure())
    known = weakref.ref(result)
    gc.disable()
    try:
        with pytest.raises(ZeroDivisionError):
            result.get()
        del result
        assert known() is None
    finally:
        gc.enable()
