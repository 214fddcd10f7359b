"""Running one answer for one client: whoever leaves ends the work, whoever waits too long is told so, everything is counted."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from headrace.app.http import errors
from headrace.app.http.metrics import Metrics
from headrace.app.http.wire import ClientGone
from headrace.core.errors import HeadraceError, Overloaded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive

    from headrace.app.http.gateway import Gateway
    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received

MOST_RUNNING: Final = 512
"""Requests under way in one gateway. More are shed at once: waiting longer would serve nobody."""


class Answers:
    """The answers under way in this process; the API and the console share it."""

    def __init__(self, gateway: Gateway, most: int = MOST_RUNNING) -> None:
        self._gateway = gateway
        self._most = most
        self._now = 0
        self.metrics = Metrics(gateway.registry, gateway.service_names)
        self.metrics.running.set_function(lambda: self._now)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """A place among those under way, for the block. Raises Overloaded when there is none."""
        if self._now >= self._most:
            message = f"{self._most} requests are under way here, and no more are taken at one time."
            raise Overloaded(message, mend="Try again shortly.")
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1

    async def events(self, received: Received) -> AsyncGenerator[Opened | CleanDelta | Answer]:
        """The line's events; the line itself keeps to the time that an answer may take. Raises its errors; a defect becomes a
        HeadraceError. Close it to end the work."""
        try:
            async with aclosing(self._gateway.answer(received)) as line:
                async for event in line:
                    yield event
        except HeadraceError as error:
            error.request = error.request or received.call.request
            raise
        except Exception as error:
            defect = errors.of_defect(error, received.call.request)
            defect.request = received.call.request
            raise defect from error


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncGenerator[None]:
    """The block is cancelled when the client leaves, and ends with ClientGone. The request's body must have been read."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - an ASGI application runs in a task
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        yield
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
