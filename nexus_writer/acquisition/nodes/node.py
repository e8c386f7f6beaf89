"""A piece of a beamline: it makes, changes or takes streams, and has a life cycle.

One thread at a time moves a node from state to state; another one that tries waits. The state itself is read
without a lock. A hook that raises leaves the node in the state below the one that was asked for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from ..input_stream import InputStream
from ..output_stream import OutputStream
from .states import NodeState, check_call

__all__ = ["Node"]

Stream = TypeVar("Stream")


class Node:
    """Subclass it: ``_input_specs`` and ``_output_specs`` name the streams, the hooks do the work.

    ``configure``, connect the inputs, configure the outputs, ``initialize``, then ``start`` and ``stop`` any
    number of times, ``close``. A call out of turn is a NodeStateError. ``configure`` and ``initialize`` may
    be called again while the node does not run; after ``configure`` it has to be initialized anew.
    """

    _input_specs: ClassVar[dict[str, dict[str, Any]]] = {}
    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        self.name = name or ""
        self.parent = parent
        self.logger = logging.getLogger(f"{type(self).__name__}.{name}" if name else type(self).__name__)
        self.inputs = {key: InputStream(spec, self, key) for key, spec in self._input_specs.items()}
        self.outputs = {key: OutputStream(spec, self, key) for key, spec in self._output_specs.items()}
        self._state = NodeState.CREATED
        self._failure: BaseException | None = None
        self._moving = threading.RLock()
        self._telling = threading.Lock()

    @property
    def input(self) -> InputStream:
        """The only input; AssertionError unless there is exactly one."""
        return _only(self.inputs, "input", self._called())

    @property
    def output(self) -> OutputStream:
        """The only output; AssertionError unless there is exactly one."""
        return _only(self.outputs, "output", self._called())

    @property
    def state(self) -> NodeState:
        return self._state

    def running(self) -> bool:
        """Between ``start`` and ``stop``, unless it failed. As the three others, for any thread."""
        return self._state is NodeState.RUNNING

    def configured(self) -> bool:
        return self._state not in (NodeState.CREATED, NodeState.CLOSED)

    def initialized(self) -> bool:
        return self._state in (NodeState.INITIALIZED, NodeState.RUNNING, NodeState.FAULT)

    def closed(self) -> bool:
        return self._state is NodeState.CLOSED

    def failure(self) -> BaseException | None:
        """What made the node fail while it ran; None again after the next ``start``."""
        return self._failure

    def configure(self, **kargs: Any) -> None:
        """Parameters of the whole node; which, ``_configure`` says. TypeError for others."""
        with self._move("configure"):
            self._state = NodeState.CREATED
            self._configure(**kargs)
            self._state = NodeState.CONFIGURED

    def initialize(self) -> None:
        """Check the streams, prepare the work. Raises what the checks and ``_initialize`` raise."""
        with self._move("initialize"):
            self._state = NodeState.CONFIGURED
            self.check_input_specs()
            self.check_output_specs()
            self._initialize()
            self._state = NodeState.INITIALIZED

    def start(self) -> None:
        """The index of all streams begins at 0. What ``_start`` raises leaves the node stopped."""
        with self._move("start"):
            self._failure = None
            for stream in self._streams():
                if not isinstance(stream, OutputStream) or stream.configured:
                    stream.reset_buffer_index()
            self._start()
            with self._telling:
                self._state = NodeState.FAULT if self._failure else NodeState.RUNNING

    def stop(self) -> None:
        """Raises what made the node fail, if it did; it is stopped then all the same."""
        with self._move("stop"):
            try:
                self._stop()
            except BaseException as error:
                self._fail(error)
                raise
            with self._telling:
                self._state = NodeState.INITIALIZED
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        """All streams are closed, whatever ``_close`` raises. A second close does nothing."""
        with self._moving:
            if self._state is NodeState.CLOSED:
                return
            check_call(self._called(), "close", self._state)
            try:
                if self._state is NodeState.FAULT:
                    self._stop()
            finally:
                self._state = NodeState.CLOSED
                try:
                    self._close()
                finally:
                    for stream in self._streams():
                        stream.close()

    def check_input_specs(self) -> None:
        """To override: raise when the inputs are not connected as the node needs it."""

    def check_output_specs(self) -> None:
        """To override: raise when the outputs are not configured as the node needs it."""

    def after_input_connect(self, name: str) -> None:
        """To override: an input was connected."""

    def after_output_configure(self, name: str) -> None:
        """To override: an output was configured."""

    def _configure(self, *args: Any, **kargs: Any) -> None:
        """To override, with the parameters by name."""
        if kargs:
            raise TypeError(f"{type(self).__name__}.configure() takes no parameters, not {', '.join(kargs)}")

    def _initialize(self) -> None:
        """To override: allocate memory, prepare devices."""

    def _start(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a _start()")

    def _stop(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a _stop()")

    def _close(self) -> None:
        """To override: let go of devices. Also called for a node that was never configured."""

    def _fail(self, error: BaseException) -> None:
        """For any thread: the work of a running node has come to an end by an error."""
        with self._telling:
            self._failure = error
            if self._state is NodeState.RUNNING:
                self._state = NodeState.FAULT

    def _streams(self) -> list[InputStream | OutputStream]:
        return [*self.inputs.values(), *self.outputs.values()]

    def _called(self) -> str:
        return self.name or type(self).__name__

    @contextmanager
    def _move(self, call: str) -> Iterator[None]:
        with self._moving:
            check_call(self._called(), call, self._state)
            yield


def _only(streams: dict[str, Stream], kind: str, node: str) -> Stream:
    if len(streams) != 1:
        names = ", ".join(streams) or "none"
        raise AssertionError(f"the node {node} has not one {kind} but {len(streams)} ({names}): name it")
    return next(iter(streams.values()))
