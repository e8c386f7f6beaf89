"""When a session writer renews its leases, and speaks to the other writers of its session.

A heartbeat is one pipeline for all leases; every third one says what there is to say. It goes on while a disk
hangs, and while Redis is away: then nobody else can take a file, either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
import redis
from gevent.event import Event

from .claims import keeps_no_leases, now
from .follower import REDIS_AWAY

PERIOD_S = 0.3
"""Of the heartbeat: a lease survives two that are lost."""
SPEAK_EVERY_S = 1.0
"""What the other writers are told waits so long, but for ends and beginnings of scans."""
BEAT_WITHIN_S = 1.0
"""A heartbeat that takes longer begins anew, by another connection."""
logger = logging.getLogger(__name__)


class Heartbeat:
    """``connect`` to Redis, ``renew`` the leases, ``speak``: each raises what Redis does."""

    def __init__(
        self,
        session: str,
        connect: Callable[[], object],
        renew: Callable[[], None],
        speak: Callable[[], None],
    ) -> None:
        self._session = session
        self._connect = connect
        self._renew = renew
        self._speak = speak
        self._now = Event()
        self._soon = False
        self._away = False
        self._refused: set[bool] = set()

    def speak_now(self) -> None:
        """There is something that should not wait."""
        self._now.set()

    def speak_soon(self) -> None:
        """There is something that may wait for the next heartbeat, with all that comes until then."""
        self._soon = True

    def run(self, goes_on: Callable[[], bool], has_leases: Callable[[], bool]) -> None:
        """Beat for as long as it ``goes_on``."""
        speak_at = now()
        while goes_on():
            began = now()
            if self._now.is_set() or self._soon or began >= speak_at:
                self._now.clear()
                self._soon = False
                self.beat(self._speak)
                speak_at = began + (PERIOD_S if self._away else SPEAK_EVERY_S)
            elif has_leases():
                self.beat(self._renew)
            self._now.wait(max(0.01, PERIOD_S - (now() - began)))

    def beat(self, beat: Callable[[], None]) -> None:
        """Once; that Redis is away is said when it was not before."""
        was_away, self._away = self._away, False
        try:
            self._connect()
            with gevent.Timeout(BEAT_WITHIN_S, redis.TimeoutError(f"no answer within {BEAT_WITHIN_S:g} s")):
                beat()
        except REDIS_AWAY as error:
            self._away = True
            if not was_away:
                logger.warning(
                    "[%s] Redis does not answer; other writers may take over its scans until it does: %s",
                    self._session,
                    error,
                )
        except redis.ResponseError as error:
            self.warn_of_refusal(error)
        except Exception:  # without a heartbeat nothing is written any more
            logger.exception("[%s] a heartbeat failed", self._session)

    def warn_of_refusal(self, error: redis.ResponseError) -> None:
        """Once for each of the two."""
        for_good = keeps_no_leases(error)
        if for_good not in self._refused:
            what = "only locks keep writers apart" if for_good else "files are written when it does again"
            logger.warning("[%s] Redis keeps no leases (%s): %s", self._session, error, what)
        self._refused.add(for_good)
