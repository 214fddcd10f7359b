"""Waiting for something to become so, with a deadline."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def until(so: Callable[[], bool | Awaitable[bool]], *, within: float = 5.0) -> None:
    """Poll until it is so. Raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            answer = so()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)
