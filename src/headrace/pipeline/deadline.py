"""The time that an answer may take: one timer for all the steps that are waited for, however many pieces the answer comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, TypeVar

from headrace.core.errors import UpstreamTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class Deadline:
    """`within` seconds from when it starts. For one task, which may do other things between its waits: those are not disturbed."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._asked = 0
        """How often somebody else had asked the task to end, when it first waited."""
        self._waiting = False
        self._over = False

    def start(self) -> None:
        """The time begins."""
        self._timer = asyncio.get_running_loop().call_later(self._within, self._ring)

    def stop(self) -> None:
        """Nothing is waited for any more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()

    async def wait(self, work: Awaitable[T]) -> T:
        """What the work gives. Raises what it raises, and UpstreamTimeout when the time is over: the work is cancelled then."""
        if self._over:
            if isinstance(work, Coroutine):
                work.close()
            raise self._late()
        self._waiting = True
        if self._task is None:
            self._task = asyncio.current_task()
            assert self._task is not None  # noqa: S101 - a coroutine runs in a task
            self._asked = self._task.cancelling()
        try:
            return await work
        except asyncio.CancelledError:
            if self._over and self._task.uncancel() <= self._asked:
                raise self._late() from None
            raise
        finally:
            self._waiting = False

    def _ring(self) -> None:
        self._over = True
        if self._waiting and self._task is not None:
            self._task.cancel()

    def _late(self) -> UpstreamTimeout:
        message = f"The answer was not given within {self._within:g} s."
        return UpstreamTimeout(message, mend="Ask for a shorter answer, or try again when there is less to do.")
