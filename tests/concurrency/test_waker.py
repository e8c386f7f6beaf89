from __future__ import annotations

import gc
import threading
import weakref

import gevent
from gevent import get_hub
from gevent.event import Event as GeventEvent

from nexus_writer.concurrency import Lock, Thread
from nexus_writer.concurrency._waker import Waker, current_waker, get_hub_if_exists
from tests.descriptors import descriptors

from .conftest import until


class Noted:
    """A delivery that notes what became of it."""

    def __init__(self, notes: list[str], name: str = "it") -> None:
        self.notes, self.name = notes, name

    def deliver(self) -> None:
        self.notes.append(f"{self.name} delivered")

    def lost(self) -> None:
        self.notes.append(f"{self.name} lost")


def waker_of_ended_thread(destroy: bool = False) -> Waker:
    wakers: list[Waker] = []

    def main() -> None:
        wakers.append(current_waker())
        if destroy:
            get_hub().destroy()

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    return wakers[0]


def test_one_waker_per_hub(thread: Thread) -> None:
    here = current_waker()
    assert current_waker() is here
    assert gevent.spawn(current_waker).get() is here
    there = thread.apply(current_waker)
    assert there is not here
    assert thread.apply(current_waker) is there


def test_every_post_of_another_thread_is_delivered_in_order() -> None:
    notes: list[str] = []
    waker = current_waker()
    names = [str(i) for i in range(10_000)]
    poster = threading.Thread(target=lambda: [waker.post(Noted(notes, name)) for name in names])
    poster.start()
    until(lambda: len(notes) == len(names))
    poster.join()
    assert notes == [f"{name} delivered" for name in names]


def test_a_wait_for_another_thread_is_no_loop_exit(thread: Thread) -> None:
    # a hub without a started watcher raises LoopExit here, although somebody will set the event
    event = GeventEvent()
    waker = current_waker()
    notes: list[str] = []

    class Setter(Noted):
        def deliver(self) -> None:
            event.set()

    threading.Timer(0.05, lambda: waker.post(Setter(notes))).start()
    event.wait()
    assert event.is_set()


def test_an_error_in_a_delivery_is_printed_and_costs_no_other_one(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    notes: list[str] = []
    printed: list[type] = []
    waker = current_waker()
    monkeypatch.setattr(waker.hub, "print_exception", lambda _c, kind, _v, _t: printed.append(kind), False)

    class Failing(Noted):
        def deliver(self) -> None:
            raise ZeroDivisionError

    waker.post(Failing(notes))
    waker.post(Noted(notes))
    until(lambda: notes)
    assert printed == [ZeroDivisionError]


def test_posts_to_an_ended_thread_are_refused() -> None:
    for waker in waker_of_ended_thread(), waker_of_ended_thread(destroy=True):
        notes: list[str] = []
        assert not waker.post(Noted(notes))
        assert notes == []


def test_what_was_accepted_before_the_hub_ended_is_lost_once() -> None:
    notes: list[str] = []

    def main(destroy: bool) -> None:
        hub = get_hub()
        waker = current_waker()
        waker.unfinished.add(Noted(notes, "begun"))
        assert waker.post(Noted(notes, "posted"))
        if destroy:
            hub.destroy()

    for destroy in True, False:
        notes.clear()
        thread = threading.Thread(target=main, args=(destroy,))
        thread.start()
        thread.join()
        assert sorted(notes) == ["begun lost", "posted lost"]


def test_a_post_that_notices_a_destroyed_hub_loses_the_earlier_ones() -> None:
    notes: list[str] = []
    refused: list[bool] = []

    def main() -> None:
        hub = get_hub()
        waker = current_waker()
        waker.post(Noted(notes, "earlier"))
        hub.destroy()
        refused.append(waker.post(Noted(notes, "later")))
        refused.append(waker.post(Noted(notes, "last")))
        assert notes == ["earlier lost"]

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert refused == [False, False]
    assert notes == ["earlier lost"]


def test_a_new_hub_in_the_same_thread_gets_a_new_waker() -> None:
    delivered: list[str] = []

    def main() -> None:
        old = current_waker()
        get_hub().destroy()
        new = current_waker()
        assert new is not old
        assert not old.post(Noted(delivered, "old"))
        new.post(Noted(delivered, "new"))
        until(lambda: delivered)

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert delivered == ["new delivered"]


def test_hubs_made_on_demand_leave_no_file_descriptors() -> None:
    gevent.sleep(0)
    before = descriptors()
    for _ in range(20):
        thread = threading.Thread(target=current_waker)
        thread.start()
        thread.join()
    assert descriptors() <= before


def test_a_hub_that_is_not_ours_is_left_to_its_owner() -> None:
    hubs = []

    def main() -> None:
        hubs.append(get_hub())
        current_waker()

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert hubs[0].loop is not None
    hubs[0].loop.destroy()


def test_plain_waits_make_no_hub() -> None:
    hubs = []

    def main() -> None:
        with Lock():
            hubs.append(get_hub_if_exists())

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert hubs == [None]


def test_the_hub_of_an_ended_thread_is_freed() -> None:
    waker = waker_of_ended_thread()
    hub = weakref.ref(waker.hub)
    del waker
    gc.collect()
    assert hub() is None
