"""Models that speak the OpenAI chat dialect: the embedded engine on its Unix socket, and providers over HTTP.

An answer is always streamed here, whatever the client asked for: only so can it be cancelled, metered and checked while it is written.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from headrace.adapters.models import faults, grammar, wire
from headrace.adapters.models.exchange import Endpoint, Exchanges
from headrace.adapters.models.stream import LONGEST_EVENT, Reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headrace.core.events import ModelEvent
    from headrace.core.text import CleanPrompt
    from headrace.core.values import Sampling

__all__ = ["Endpoint", "OpenAIChat"]

LINGER = 0.25
"""Seconds that a finished stream is given to close in order, so that its connection can be used again."""


class OpenAIChat:
    """One deployment. Port ChatModel; for one event loop. The embedded engine counts prompts exactly; a provider does not tell."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._exchanges = Exchanges(endpoint)
        self._chat = endpoint.at("chat/completions")
        self._model = model
        self._headers = endpoint.headers("text/event-stream")

    async def count(self, prompt: CleanPrompt, sampling: Sampling) -> int | None:
        """Tokens that the prompt takes with its template; None for a provider. Raises Unavailable when the engine is not there, and
        BadRequest for a JSON Schema that it would not keep to."""
        if self._endpoint.socket is None:
            return None
        _require_kept(sampling)  # its grammar takes no tokens
        try:
            async with self._exchanges.session().post(
                f"{self._chat}/input_tokens", data=wire.counting(prompt), headers=self._headers
            ) as response:
                body = await response.read()
                if response.status != faults.OK:
                    raise faults.of_status(response.status, body, response.headers)
                return wire.read_count(body).input_tokens
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise faults.of_exchange(error, began=False, ours=True) from error

    async def generate(self, prompt: CleanPrompt, sampling: Sampling) -> AsyncGenerator[ModelEvent]:
        """The answer's events; the connection is closed, and so the work upstream cancelled, when the generator is.

        Raises PromptTooLong with the numbers, BadRequest for what this model cannot do, UpstreamFailed and UpstreamTimeout; Unavailable
        when an engine of our own is not there.
        """
        if self._endpoint.socket is not None:
            _require_kept(sampling)
        body = wire.asking(prompt, sampling, self._model)
        reading = Reading()
        try:
            response = await self._exchanges.ask(self._chat, body, self._headers)
            try:
                if response.status != faults.OK:
                    raise faults.of_status(response.status, await response.content.read(LONGEST_EVENT), response.headers)
                async for piece in response.content.iter_any():
                    if (text := reading.feed(piece)) is not None:
                        yield text
                    if reading.done:
                        break
                await _part(response)
                for event in reading.end():
                    yield event
            finally:
                response.close()
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise faults.of_exchange(error, began=reading.began, ours=self._endpoint.socket is not None) from error

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        await self._exchanges.close()


def _require_kept(sampling: Sampling) -> None:
    if sampling.format is not None and sampling.format.schema is not None:
        grammar.require_kept(sampling.format.schema)


async def _part(response: aiohttp.ClientResponse) -> None:
    """Read the end of a finished exchange, so that its connection goes back to the pool. One that does not end is closed."""
    if response.content.at_eof():
        return
    try:
        async with asyncio.timeout(LINGER):
            await response.content.readany()
    except (TimeoutError, aiohttp.ClientError, OSError):
        return
