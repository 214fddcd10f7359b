"""A bounded pool of slots with a bounded queue: work beyond both is shed at once, with a reason."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from headrace.core.errors import Overloaded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Slots:
    """`size` answers at a time; up to `queue` more wait, first come first served, each at most `patience` seconds."""

    def __init__(self, size: int, *, queue: int, patience: float) -> None:
        self._free = size
        self._size = size
        self._queue = queue
        self._patience = patience
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> int:
        """Slots in use."""
        return self._size - self._free

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        """Hold a slot for the block. Raises Overloaded when the queue is full or patience ends."""
        await self.take()
        try:
            yield
        finally:
            self.give()

    async def take(self) -> None:
        """Take a slot, to be given back once. Raises Overloaded when the queue is full or patience ends."""
        if self._free and not self._waiting:
            self._free -= 1
            return
        if len(self._waiting) >= self._queue:
            raise self._shed(f"All {self._size} slots are busy and {self._queue} requests wait already.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():
                return  # the slot came in the same instant
            raise self._shed(f"No slot came free within {self._patience:g} s.") from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # the slot was handed over while the asker was leaving
            raise
        finally:
            if not turn.done() or turn.cancelled():
                self._forget(turn)

    def _forget(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)

    def give(self) -> None:
        """Give a slot back, to the one who waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _shed(self, message: str) -> Overloaded:
        return Overloaded(message, mend="Try again shortly, or give the deployment more slots.", retry_after=max(1.0, self._patience / 4))
