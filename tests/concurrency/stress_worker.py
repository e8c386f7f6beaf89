"""One trial of the stress suite in a process of its own: ``python stress_worker.py PRIMITIVE SEED``.

Each scenario lets greenlets of two hubs, roots of hubs and plain threads work on one primitive, with
timeouts that race with wake-ups, waiters that are killed and threads that end right after their last
release; then it counts. Exit code 0: the counts are right; a hang is for the caller to notice.
"""

from __future__ import annotations

import contextlib
import faulthandler
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
from gevent import get_hub
from gevent._hub_local import get_hub_if_exists

from nexus_writer.concurrency import (
    AsyncResult,
    CallKilled,
    Empty,
    Event,
    Full,
    HubTrigger,
    Launcher,
    Lock,
    Queue,
    RLock,
    Thread,
    ThreadEnded,
)

sys.setswitchinterval(1e-5)  # threads change places as often as they can

Func = Callable[[random.Random], Any]


class Crowd:
    """Functions at work in all places at once; the first error of any of them is raised by ``join``."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._greenlets: list[Any] = []
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def greenlet(self, func: Func) -> Any:
        """In the hub of the caller's thread."""
        greenlet = gevent.spawn(self._guard, func, self.random.random())
        self._greenlets.append(greenlet)
        return greenlet

    def thread(self, func: Func) -> None:
        """A thread that knows nothing of gevent."""
        self._start(self._guard, func, self.random.random())

    def hub(self, *funcs: Func) -> None:
        """A thread with a hub: one function in its root, the others in greenlets."""
        self._start(self._run_hub, funcs, self.random.random())

    def everywhere(self, func: Func) -> None:
        self.greenlet(func)
        self.greenlet(func)
        self.hub(func, func, func)
        self.thread(func)

    def join(self) -> None:
        gevent.joinall(self._greenlets)
        for thread in self._threads:
            while thread.is_alive():  # they may need this hub
                gevent.sleep(0.001)
        if self._errors:
            raise self._errors[0]

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _run_hub(self, funcs: tuple[Func, ...], seed: float) -> None:
        dice = random.Random(seed)
        get_hub()
        greenlets = [gevent.spawn(self._guard, func, dice.random()) for func in funcs[1:]]
        self._guard(funcs[0], dice.random())
        gevent.joinall(greenlets)
        get_hub().destroy()  # the thread ends right after the last release of its last greenlet

    def _guard(self, func: Func, seed: float) -> None:
        try:
            func(random.Random(seed))
        except BaseException as error:
            self._errors.append(error)


def breathe() -> None:
    """Let others run: other greenlets, or other threads where there are none (and make no hub there)."""
    if get_hub_if_exists() is None:
        time.sleep(0)
    else:
        gevent.sleep(0)


def rounds(dice: random.Random, number: int) -> Iterator[int]:
    """Counts, and lets other greenlets of the same hub run now and then."""
    for count in range(number):
        yield count
        if dice.random() < 0.1:
            breathe()


def some_time(dice: random.Random) -> float | None:
    """A timeout: none, a try, or one that races with the wake-up (about as long as one takes)."""
    return dice.choice([None, None, 0, 1e-5, 5e-5, 2e-4, 1e-3])


def mortal(func: Func, dice: random.Random) -> None:
    with contextlib.suppress(gevent.Timeout):
        func(dice)


def killer(func: Func, kills: int) -> Func:
    """Runs ``func`` in a greenlet again and again, and kills it, mostly while it waits."""

    def kill(dice: random.Random) -> None:
        for _ in range(kills):
            victim = gevent.spawn(mortal, func, dice)
            gevent.sleep(dice.choice([0, 0, 1e-5, 1e-4, 5e-4]))
            victim.kill(dice.choice([gevent.GreenletExit, gevent.Timeout()]), block=dice.random() < 0.5)
            victim.join()

    return kill


def locks(crowd: Crowd, lock: Lock | RLock, depth: int) -> None:
    counted = successes = 0

    def once(dice: random.Random) -> None:
        nonlocal counted, successes
        if not lock.acquire(timeout=some_time(dice)):
            return
        try:
            for _ in range(depth):
                assert lock.acquire()
            before = counted
            if dice.random() < 0.02:
                breathe()
            counted = before + 1
            successes += 1
            for _ in range(depth):
                lock.release()
        except BaseException:  # killed in its sleep
            for _ in range(depth):
                lock.release()
            raise
        finally:
            lock.release()

    def work(dice: random.Random) -> None:
        for _ in rounds(dice, 3000):
            once(dice)

    crowd.everywhere(work)
    crowd.greenlet(killer(once, 150))
    crowd.hub(killer(once, 150), work)
    crowd.join()
    assert counted == successes > 0, f"{successes} were inside, {counted} counted"
    assert not lock.locked()
    assert lock.acquire(timeout=0)


def meet(crowd: Crowd, *funcs: Callable[[int], Any], number: int = 1500) -> None:
    """Each of ``funcs`` once at the same moment, again and again: no later wake-up repairs a lost one.

    They run in native threads, and in roots of hubs by turns.
    """
    barrier = threading.Barrier(len(funcs))

    def work(func: Callable[[int], Any]) -> Func:
        def run(_dice: random.Random) -> None:
            for index in range(number):
                barrier.wait()
                func(index)

        return run

    for place, func in enumerate(funcs):
        (crowd.hub if place % 2 else crowd.thread)(work(func))
    crowd.join()


def lock(crowd: Crowd) -> None:
    locks(crowd, Lock(), depth=0)
    meet_at_locks(crowd, [Lock() for _ in range(1500)])


def rlock(crowd: Crowd) -> None:
    locks(crowd, RLock(), depth=2)
    meet_at_locks(crowd, [RLock() for _ in range(1500)])


def meet_at_locks(crowd: Crowd, fresh: Sequence[Lock | RLock]) -> None:
    def use(index: int) -> None:
        with fresh[index]:
            pass

    meet(crowd, use, use, use)
    assert not any(lock.locked() for lock in fresh)


def event(crowd: Crowd) -> None:
    """Ping-pong between places; crowds that wait for one event; timeouts and kills around it."""
    number = 3000
    balls = [Event() for _ in range(4)]

    def player(place: int) -> Func:
        def play(dice: random.Random) -> None:
            for _ in range(number):
                while not balls[place].wait(some_time(dice)):
                    breathe()
                balls[place].clear()
                balls[(place + 1) % len(balls)].send()

        return play

    def disturb(dice: random.Random) -> None:
        balls[dice.randrange(len(balls))].wait(some_time(dice))

    crowd.greenlet(player(0))
    crowd.hub(player(1), player(2))
    crowd.thread(player(3))
    crowd.greenlet(killer(disturb, 20))
    crowd.hub(killer(disturb, 20))
    balls[0].send()
    crowd.join()
    assert [ball.is_set() for ball in balls] == [True, False, False, False]

    gates = [Event() for _ in range(300)]
    passed: list[int] = []

    def walk(_dice: random.Random) -> None:
        for index, gate in enumerate(gates):
            gate.wait()
            passed.append(index)

    def opens(_dice: random.Random) -> None:
        for gate in gates:
            gate.send()

    crowd.everywhere(walk)
    crowd.thread(opens)
    crowd.join()
    assert Counter(passed) == dict.fromkeys(range(len(gates)), 6)


def queue(crowd: Crowd) -> None:
    for maxsize in 0, 5:
        _queue(crowd, Queue(maxsize))
    fresh: list[Queue[int]] = [Queue(1) for _ in range(1500)]
    meet(
        crowd,
        lambda index: fresh[index].put(1),
        lambda index: fresh[index].get(),
        lambda index: fresh[index].put(2),
        lambda index: fresh[index].get(),
    )
    assert not any(len(queue) for queue in fresh)


def _queue(crowd: Crowd, queue: Queue[tuple[int, int]]) -> None:
    number = 2000
    ended: list[int] = []
    taken: list[list[tuple[int, int]]] = []
    names = iter(range(1000))

    def produce(dice: random.Random) -> None:
        name = next(names)
        for count in rounds(dice, number):
            while not _put(queue, (name, count), some_time(dice)):
                breathe()
        ended.append(name)

    def take(dice: random.Random, mine: list[tuple[int, int]]) -> bool:
        """Take once; False at the end."""
        try:
            items = queue.get_all(some_time(dice)) if dice.random() < 0.3 else [queue.get(some_time(dice))]
        except Empty:
            return True
        mine.extend(items)  # nothing switches between get and here: a kill can not lose it
        for _ in range(items.count((-1, -1)) - 1):
            while not _put(queue, (-1, -1), 0.01):
                breathe()
        return (-1, -1) not in items

    def consume(dice: random.Random) -> None:
        mine: list[tuple[int, int]] = []
        taken.append(mine)
        while take(dice, mine):
            if dice.random() < 0.1:
                breathe()
        for name in range(6):
            counts = [item[1] for item in mine if item[0] == name]
            assert counts == sorted(counts), f"the items of producer {name} came out of order"

    crowd.everywhere(consume)
    producers = Crowd(crowd.random.randrange(10**9))
    producers.everywhere(produce)
    producers.greenlet(killer(lambda dice: _put(queue, (-2, 0), some_time(dice)), 10))
    disturbers = killer(lambda dice: _disturb(queue, taken, dice), 20)
    producers.hub(disturbers)
    producers.greenlet(disturbers)
    producers.join()
    for _ in range(6):
        queue.put((-1, -1))
    crowd.join()
    items = [item for batch in taken for item in batch if item[0] >= 0]
    assert sorted(ended) == list(range(6))
    assert sorted(items) == [(name, count) for name in range(6) for count in range(number)]
    assert len(queue) == 0


def _put(queue: Queue[tuple[int, int]], item: tuple[int, int], timeout: float | None) -> bool:
    try:
        queue.put(item, timeout)
    except Full:
        return False
    return True


def _disturb(queue: Queue[tuple[int, int]], taken: list[list[tuple[int, int]]], dice: random.Random) -> None:
    try:
        taken.append([queue.get(some_time(dice))])
    except Empty:
        return


def async_result(crowd: Crowd) -> None:
    number = 1000
    results: list[AsyncResult[int]] = [AsyncResult() for _ in range(number)]
    won: list[int] = []
    seen: list[tuple[int, int]] = []

    def settle(name: int) -> Func:
        def work(dice: random.Random) -> None:
            for index, result in enumerate(results):
                while len(seen) < 6 * (index - dice.randrange(3)):  # most of them wait for it already
                    breathe()
                if result.set(name if index % 3 else ValueError(name)):
                    won.append(index)

        return work

    def ask(dice: random.Random) -> None:
        for index, result in enumerate(results):
            while True:
                try:
                    value = result.get(some_time(dice))
                except TimeoutError:
                    breathe()
                    continue
                except ValueError as error:
                    value = error.args[0]
                seen.append((index, value))
                break

    crowd.everywhere(ask)
    crowd.greenlet(killer(lambda dice: results[dice.randrange(number)].wait(some_time(dice)), 20))
    crowd.greenlet(settle(1))
    crowd.hub(settle(2))
    crowd.thread(settle(3))
    crowd.join()
    assert sorted(won) == list(range(number))
    assert len(seen) == 6 * number
    assert len(set(seen)) == number, "somebody saw another value"


def hub_trigger(crowd: Crowd) -> None:
    number = 4000
    executed: Counter[str] = Counter()
    thread = Thread()
    thread.start()

    def count(name: str) -> None:
        executed[name] += 1

    def send(trigger: HubTrigger) -> Func:
        def work(dice: random.Random) -> None:
            for _ in rounds(dice, number):
                assert trigger.send()

        return work

    triggers = [HubTrigger(lambda: count("here")), thread.apply(HubTrigger, lambda: count("there"), True)]
    ending = Thread()
    ending.start()
    to_the_end = ending.apply(HubTrigger, lambda: count("ending"))

    def send_to_the_end(_dice: random.Random) -> None:
        while to_the_end.send():
            threading.Event().wait(1e-5)

    for trigger in triggers:
        crowd.greenlet(send(trigger))
        crowd.hub(send(trigger), send(trigger))
        crowd.thread(send(trigger))
    crowd.thread(send_to_the_end)
    gevent.sleep(crowd.random.random() * 0.02)
    assert ending.stop()
    crowd.join()
    while executed["here"] < 4 * number or executed["there"] < 4 * number:
        gevent.sleep(0.001)
    gevent.sleep(0.001)
    assert (executed["here"], executed["there"]) == (4 * number, 4 * number)
    assert thread.stop()


def launcher(crowd: Crowd) -> None:
    here = Launcher()
    thread = Thread()
    thread.start()
    there = thread.apply(Launcher)
    _calls(crowd, here, there)
    assert thread.stop()


def thread(crowd: Crowd) -> None:
    first, second = Thread(), Thread()
    assert first.start() and second.start()
    _calls(crowd, first, second)
    for _ in range(10):
        _end_of_a_thread(crowd)
    assert first.stop() and second.stop() and first.stop()


def _calls(crowd: Crowd, first: Launcher | Thread, second: Launcher | Thread) -> None:
    """Values and errors come back to whoever asked, through calls within calls."""

    def descend(depth: int, dice: random.Random) -> int:
        if dice.random() < 0.05:
            raise ZeroDivisionError
        if depth == 0:
            return 0
        return 1 + dice.choice([first, second]).apply(descend, depth - 1, dice)

    def work(dice: random.Random) -> None:
        for _ in rounds(dice, 150):
            depth = dice.randrange(4)
            try:
                assert (
                    dice.choice([first, second]).apply(descend, depth, random.Random(dice.random())) == depth
                )
            except ZeroDivisionError:
                continue

    def kill(dice: random.Random) -> None:
        for _ in rounds(dice, 150):
            call = dice.choice([first, second]).apply_async(gevent.sleep, 1000)
            if dice.random() < 0.5:
                breathe()
            call.kill()
            try:
                call.get()
            except CallKilled:
                continue
            raise AssertionError("the kill was lost")

    crowd.everywhere(work)
    crowd.greenlet(kill)
    crowd.thread(kill)
    crowd.greenlet(killer(lambda dice: first.apply(gevent.sleep, 1e-4), 10))
    crowd.join()


def _end_of_a_thread(crowd: Crowd) -> None:
    """A thread ends while all others call it: each call has an outcome."""
    ending = Thread()
    ending.start()
    lock = Lock()
    outcomes: list[str] = []

    def hold(dice: random.Random) -> str:
        with lock:
            gevent.sleep(dice.choice([0, 1e-4]))
        return "value"

    def work(dice: random.Random) -> None:
        while True:
            try:
                if dice.random() < 0.3:
                    with lock:
                        outcomes.append("locked")
                outcomes.append(ending.apply(hold, dice))
            except ThreadEnded:
                outcomes.append("ended")
                return

    crowd.everywhere(work)
    gevent.sleep(crowd.random.random() * 0.01)
    crowd.random.choice([ending.stop, lambda: ending.stop(wait=False), lambda: ending.apply(ending.stop)])()
    crowd.join()
    assert ending.join()
    assert outcomes.count("ended") == 6
    assert lock.acquire(timeout=0), "the thread took the lock with it"


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (hub_trigger, lock, rlock, event, queue, async_result, launcher, thread)
}


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[3]) if len(sys.argv) > 3 else 50, exit=True)
    SCENARIOS[sys.argv[1]](Crowd(int(sys.argv[2])))
    print("ok")
