"""The heartbeat of a session writer: what it asks of Redis, and when it complains."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
import pytest
import redis

from nexus_writer.subscribers.heartbeat import Heartbeat
from tests.session_scans import until


class Beats:
    """A heartbeat whose beats are counted, and fail as they are told."""

    def __init__(self) -> None:
        self.renewed = 0
        self.spoken = 0
        self.fails: Exception | None = None
        self.heart = Heartbeat("unit", lambda: None, self._renew, self._speak)

    def _renew(self) -> None:
        self.renewed += 1
        if self.fails is not None:
            raise self.fails

    def _speak(self) -> None:
        self.spoken += 1
        if self.fails is not None:
            raise self.fails

    def warnings(self, caplog: pytest.LogCaptureFixture) -> int:
        return sum(record.levelno >= logging.WARNING for record in caplog.records)


def running(beats: Beats, has_leases: Callable[[], bool]) -> gevent.Greenlet:
    return gevent.spawn(beats.heart.run, lambda: True, has_leases)


def test_leases_are_renewed_more_often_than_there_is_something_to_say() -> None:
    beats = Beats()
    greenlet = running(beats, lambda: True)
    until(lambda: beats.renewed >= 4, "renewed")
    greenlet.kill()
    assert 1 <= beats.spoken < beats.renewed


def test_without_leases_it_only_speaks_and_what_is_new_does_not_wait() -> None:
    beats = Beats()
    greenlet = running(beats, lambda: False)
    until(lambda: beats.spoken >= 1, "spoken")
    for times in range(2, 5):
        beats.heart.speak_now()
        until(lambda times=times: beats.spoken >= times, "spoken at once")
    greenlet.kill()
    assert beats.renewed == 0


def test_what_may_wait_is_said_with_the_next_heartbeat() -> None:
    beats = Beats()
    greenlet = running(beats, lambda: True)
    until(lambda: beats.spoken == 1 and beats.renewed >= 1, "renewed")
    before = beats.renewed
    beats.heart.speak_soon()
    until(lambda: beats.spoken == 2, "spoken")
    assert beats.renewed <= before + 1
    greenlet.kill()


def test_that_redis_is_away_is_said_once_until_it_was_there(caplog: pytest.LogCaptureFixture) -> None:
    beats = Beats()
    for fails, warnings in ((True, 1), (True, 1), (False, 1), (True, 2)):
        beats.fails = redis.ConnectionError("gone") if fails else None
        beats.heart.beat(beats._renew)
        assert beats.warnings(caplog) == warnings


def test_each_kind_of_refusal_is_said_once_and_nothing_ends_a_heartbeat(
    caplog: pytest.LogCaptureFixture,
) -> None:
    beats = Beats()
    for error, warnings in (
        (redis.ResponseError("OOM command not allowed"), 1),
        (redis.ResponseError("OOM command not allowed"), 1),
        (redis.exceptions.NoPermissionError("no permissions"), 2),
        (ValueError("a mistake"), 3),
        (redis.exceptions.NoPermissionError("no permissions"), 3),
    ):
        beats.fails = error
        beats.heart.beat(beats._speak)
        assert beats.warnings(caplog) == warnings
