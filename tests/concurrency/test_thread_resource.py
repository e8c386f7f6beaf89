from __future__ import annotations

import threading
import weakref

import gevent
import pytest

from nexus_writer.concurrency import Thread, ThreadResource

from .conftest import Place, outcome, until


class Thing:
    """Something that knows where it was made."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()


def test_one_for_each_thread(place: Place, thread: Thread) -> None:
    resource = ThreadResource(Thing)
    here = resource.get()
    assert resource.get() is here
    assert here.thread == threading.get_ident()
    there = thread.apply(resource.get)
    assert there is not here
    assert there.thread == thread.apply(threading.get_ident)
    assert thread.apply(resource.get) is there
    outcome(place.run(resource.get))
    assert gevent.spawn(resource.get).get() is here


def test_pop_forgets_that_of_this_thread_only(thread: Thread) -> None:
    resource = ThreadResource(Thing)
    assert resource.pop() is None
    here, there = resource.get(), thread.apply(resource.get)
    assert resource.pop() is here
    assert list(resource) == [there]
    assert resource.get() is not here
    assert thread.apply(resource.get) is there


def test_iteration_in_the_order_of_making(thread: Thread) -> None:
    resource = ThreadResource(Thing)
    assert list(resource) == []
    there = thread.apply(resource.get)
    here = resource.get()
    assert list(resource) == [there, here]
    assert thread.apply(lambda: list(resource)) == [there, here]


def test_dies_with_its_thread_and_in_it() -> None:
    died_in: list[int] = []

    class Mortal(Thing):
        def __del__(self) -> None:
            died_in.append(threading.get_ident())

    resource = ThreadResource(Mortal)
    known = []
    thread = threading.Thread(target=lambda: known.append(weakref.ref(resource.get())))
    thread.start()
    ident = thread.ident
    thread.join()
    assert known[0]() is None  # although we still have the thread's object
    assert list(resource) == []
    assert died_in == [ident]


def test_dies_with_a_thread_of_ours() -> None:
    resource = ThreadResource(Thing)
    thread = Thread()
    thread.start()
    known = weakref.ref(thread.apply(resource.get))
    assert thread.stop(timeout=60)
    assert known() is None
    assert list(resource) == []


def test_greenlets_of_one_thread_make_it_once() -> None:
    made: list[Thing] = []

    def make() -> Thing:
        gevent.sleep(0.001)
        made.append(Thing())
        return made[-1]

    resource = ThreadResource(make)
    greenlets = [gevent.spawn(resource.get) for _ in range(5)]
    gevent.joinall(greenlets, raise_error=True)
    assert {greenlet.value for greenlet in greenlets} == {made[0]}


def test_a_failure_to_make_it_is_raised_and_tried_again() -> None:
    answers = iter([ZeroDivisionError(), None])

    def make() -> Thing:
        error = next(answers)
        if error is not None:
            raise error
        return Thing()

    resource = ThreadResource(make)
    with pytest.raises(ZeroDivisionError):
        resource.get()
    assert list(resource) == []
    assert isinstance(resource.get(), Thing)


def test_iteration_while_threads_come_and_go() -> None:
    resource = ThreadResource(Thing)
    end = threading.Event()

    def come_and_go() -> None:
        while not end.is_set():
            thread = threading.Thread(target=resource.get)
            thread.start()
            thread.join()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    for _ in range(2000):
        assert all(isinstance(thing, Thing) for thing in resource)
    end.set()
    thread.join()
    until(lambda: list(resource) == [])
