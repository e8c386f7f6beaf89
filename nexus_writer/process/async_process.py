"""A message process whose backend runs asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, ClassVar

from ._async_pipe import AsyncPipe
from ._frontend import Duplex, FrontPipe
from .failure import Failure
from .message import MessageObject, message_of
from .message_process import MessageProcess

__all__ = ["AsyncBackMessageProcess"]


class AsyncBackMessageProcess(MessageProcess):
    """Its commands are coroutines: ``async def c__x(self, a)``. One is awaited before the next begins.

    A command that shall not keep the next ones waiting makes a task (of a method with ``exclog``, say).
    """

    _pipe_class: ClassVar[type[FrontPipe]] = Duplex
    _async_pipe: AsyncPipe
    _async_control: AsyncPipe
    _has_begun = False

    def __init__(self, name: str = "AsyncMessageProcess", *, start_method: str | None = None) -> None:
        super().__init__(name, start_method=start_method)

    def getPipe(self) -> Duplex:
        """As MessageProcess; its descriptors are told by ``getReadFd`` and ``getWriteFd`` as well."""
        pipe = super().getPipe()
        assert isinstance(pipe, Duplex)
        return pipe

    def getReadFd(self) -> int:
        """Descriptor for ``select``, to read what the backend sends."""
        return self.getPipe().getReadFd()

    def getWriteFd(self) -> int:
        """Descriptor for ``select``, to write to the backend."""
        return self.getPipe().getWriteFd()

    async def asyncPre__(self) -> None:
        """Is awaited once in the backend's loop, after ``preRun__``."""

    async def asyncPost__(self) -> None:
        """Is awaited once at the end, before the tasks that are left are cancelled, and ``postRun__``."""

    def serve__(self) -> None:
        """Run the loop until a message asks to stop."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self._async_pipe = AsyncPipe(self.back_pipe, loop)
        self._async_control = AsyncPipe(self._control, loop)
        main = loop.create_task(self._async_run())
        for number in self._life.signals:
            loop.add_signal_handler(number, self._end_by, number, main)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(main)
        finally:
            self._life.is_over()
            loop.run_until_complete(self._async_end())
            asyncio.set_event_loop(None)
            loop.close()
            self._life.handle_signals()

    async def send_out__(self, obj: Any) -> None:
        """Send an object to the frontend's pipe; waits while that is full."""
        await self._async_pipe.send(obj)

    async def c__ping(self, lis: list[Any] = []) -> None:  # noqa: B006 - the default of the name's origin
        """Answers, to show that the backend listens."""
        self.logger.debug("ping %s", lis)
        await self.send_out__(MessageObject("pong", lis=[1, 2, 3]))

    async def routeMainPipe__(self, message: MessageObject) -> Any:
        """Await the method of a message's command, and return what it returns."""
        return await super().routeMainPipe__(message)

    def _say_last(self) -> None:
        """The frontend sees the end of the line."""

    async def _async_run(self) -> None:
        try:
            await self.asyncPre__()
        except Exception as error:
            await self._async_control.send((0, None, Failure(error)))
            raise
        self._has_begun = True
        await self._async_control.send((0, None, None))
        while self.loop:
            try:
                item = await self._async_pipe.recv()
            except EOFError:
                item = None
            if item is None:
                self.loop = False
            else:
                await self._run_command(*item)

    async def _run_command(self, number: int, command: str, kwargs: dict[str, Any]) -> None:
        try:
            value = await self.routeMainPipe__(message_of(command, kwargs))
            if number > 0:
                await self._async_control.send((number, value, None))
        except Exception as error:
            if number:
                await self._async_control.send((abs(number), None, Failure(error)))
            elif (failure := self._logged(command, error)) and self._async_pipe.takes_more():
                await self._async_pipe.send(failure)
            if self.on_error == "die":
                raise

    def _end_by(self, number: int, main: asyncio.Task[None]) -> None:
        """What is awaited now is cancelled. (An exception could be raised in the midst of a send.)"""
        if self.loop:
            self.loop = False
            self._life.ended_by(number)
            main.cancel()

    async def _async_end(self) -> None:
        if self._has_begun:
            await self.asyncPost__()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._async_pipe.drain()
        await self._async_control.drain()
