"""What every follower of a Redis node has: the node, and a state that its users can ask for."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

import gevent
import redis

from nexus_writer.concurrency import Event, ThreadResource
from nexus_writer.data.errors import BeaconUnreachable, RedisUnreachable
from nexus_writer.data.node_info import NodeInfo
from nexus_writer.data.nodes import DataNode, get_node
from nexus_writer.model.limits import one_line

from .backoff import Backoff
from .errors import NodeMissing
from .state import SubscriberState
from .weakly import weakly

Answer = TypeVar("Answer")
LISTENS = "Start listening to Redis events"
REDIS_AWAY = (RedisUnreachable, BeaconUnreachable, redis.ConnectionError, redis.TimeoutError)
"""What may pass: all else that Redis answers is a failure."""
logger = logging.getLogger(__name__)


class Follower:
    """A node in Redis, how to ask for it while Redis comes and goes, and the state of who follows it.

    The thread that makes it is its home: there the connections are gevent's.
    """

    key: str
    """Full name of the node in Redis."""

    def __init__(self, key: str, connect: Callable[..., redis.Redis]) -> None:
        self.key = key
        self._connect = connect
        self._home = threading.get_ident()
        self._nodes = ThreadResource(weakly(self._own_node))
        self._lock = threading.Lock()
        self._state = SubscriberState.INIT
        self._reason = "instantiation"
        self._finished = Event()
        self._started_at: float | None = None
        self._finished_at: float | None = None

    # -- node --

    @property
    def node(self) -> DataNode:
        """The node in Redis; each thread that asks has its own, with a connection of its own.

        Raises NodeMissing when it does not exist, redis.ConnectionError and DataError when Redis is away.
        """
        return self._nodes.get()

    @property
    def info(self) -> NodeInfo:
        """What the node says of itself, asked from Redis at every access."""
        return self.node.info

    def _own_node(self) -> DataNode:
        """A node for this thread, whose connection ends with it.

        Elsewhere than at home its sockets are plain: gevent's cannot be closed once a thread's hub is gone.
        """
        client = self._connect(green=threading.get_ident() == self._home)
        node = self._make_node(client)
        weakref.finalize(node, client.close)
        return node

    def _make_node(self, client: redis.Redis) -> DataNode:
        node = get_node(self.key, connection=client)
        if node is None:
            raise NodeMissing(self.key)
        return node

    def _ask_redis(self, ask: Callable[[], Answer]) -> Answer:
        """What ``ask`` returns, asked again for as long as Redis is away."""
        backoff = Backoff()
        while True:
            try:
                return ask()
            except REDIS_AWAY as error:
                self._wait_for_redis(str(error), backoff)

    def _wait_for_redis(self, why: str, backoff: Backoff) -> None:
        """Return when it answers; the reason says meanwhile what is wrong, and no longer."""
        while True:
            self._warn(f"Redis is away ({why}): trying again until it answers")
            gevent.sleep(backoff.next_s())
            try:
                self._connect(green=True).close()
            except REDIS_AWAY as error:
                why = str(error)
            else:
                self._say(LISTENS, logging.WARNING)
                return

    def _ask_apart(self, ask: Callable[[redis.Redis], None]) -> None:
        """Ask by a connection that nobody shares, again and again while Redis is away; nothing is said."""
        backoff = Backoff()
        while True:
            try:
                client = self._connect(green=True)
                try:
                    return ask(client)
                finally:
                    client.close()
            except REDIS_AWAY:
                gevent.sleep(backoff.next_s())

    # -- state --

    @property
    def state(self) -> SubscriberState:
        """INIT, ON, OFF or FAULT."""
        return self._state

    @property
    def reason(self) -> str:
        """Why the subscriber is in its state: one line for its users."""
        return self._reason

    def done(self) -> bool:
        """Is it finished, OFF or FAULT, and its resources released?"""
        return self._finished.is_set()

    @property
    def end_time(self) -> float | None:
        """When it became OFF or FAULT, epoch seconds; None before."""
        return self._finished_at

    def duration(self) -> float:
        """Seconds that it has listened so far, or had listened when it finished."""
        if self._started_at is None:
            return 0.0
        return (self._finished_at or time.time()) - self._started_at

    def _say(self, reason: str, level: int = logging.INFO) -> None:
        """Give a new reason and stay in the state."""
        reason = one_line(reason)
        with self._lock:
            changed = reason != self._reason
            self._reason = reason
        if changed:
            logger.log(level, "[%s] %s", self.key, reason)

    def _warn(self, reason: str) -> None:
        """Give a reason that somebody should look at."""
        self._say(reason, logging.WARNING)

    def _become(self, state: SubscriberState, reason: str) -> bool:
        reason = one_line(reason)
        with self._lock:
            if not self._state.may_become(state):
                return False
            self._state = state
            self._reason = reason
        level = logging.ERROR if state is SubscriberState.FAULT else logging.INFO
        logger.log(level, "[%s] %s: %s", self.key, state.name, reason)
        return True
