"""Running one answer for one client: whoever leaves ends the work, whoever waits too long is told so, everything is counted."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, TypeVar

from headrace.app.http import errors
from headrace.app.http.exchange.wire import ClientGone, exchange
from headrace.app.http.metrics import Metrics
from headrace.core.errors import HeadraceError, Overloaded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from starlette.types import Scope

    from headrace.app.http.exchange.wire import Exchange
    from headrace.app.http.ports.gateway import Gateway
    from headrace.core.events import CleanDelta
    from headrace.core.flow import Answer, Opened, Received

T = TypeVar("T")

MOST_RUNNING: Final = 512
"""Requests under way in one gateway. More are shed at once: waiting longer would serve nobody."""


class Place:
    """A place among the answers under way, taken for a block: ``with answers.place:``. Raises Overloaded when there is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0
        """How many are under way."""

    def __enter__(self) -> None:
        if self.taken >= self._most:
            message = f"{self._most} requests are under way here, and no more are taken at one time."
            raise Overloaded(message, mend="Try again shortly.")
        self.taken += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.taken -= 1


class Answers:
    """The answers under way in this process; the API and the console share it."""

    def __init__(self, gateway: Gateway, most: int = MOST_RUNNING) -> None:
        self._gateway = gateway
        self.place = Place(most)
        self.metrics = Metrics(gateway.registry, gateway.service_names)
        self.metrics.running.set_function(lambda: self.place.taken)

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
            raise _defect(error, received.call.request) from error

    async def whole(self, work: Awaitable[T], request: str, *, place: str, model: str = "model") -> T:
        """What a line gives in one piece. Raises as :meth:`events` does; where an error names a turn (``messages[1]``), the dialect calls
        it `place`, and the service `model`."""
        try:
            return await work
        except HeadraceError as error:
            error.request = error.request or request
            if error.param is not None and error.param.startswith("messages["):
                error.param = error.param.replace("messages", place, 1) if place == "input" else place
            elif error.param == "model":
                error.param = model
            raise
        except Exception as error:
            raise _defect(error, request) from error


def _defect(error: Exception, request: str) -> HeadraceError:
    defect = errors.of_defect(error, request)
    defect.request = request
    return defect


def while_connected(scope: Scope) -> AbstractContextManager[None]:
    """The block is cancelled when the client leaves, and ends with ClientGone."""
    return _Connected(exchange(scope))


class _Connected:
    """A class, and told by the connection itself: a task that watches would cost each request more than its guards."""

    def __init__(self, there: Exchange) -> None:
        self._there = there
        self._gone = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._there.when_gone(self._leave)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._there.when_gone(None)
        if self._gone and isinstance(error, asyncio.CancelledError) and self._task is not None and self._task.uncancel() == 0:
            raise ClientGone from None

    def _leave(self) -> None:
        self._gone = True
        if self._task is not None:
            self._task.cancel()
