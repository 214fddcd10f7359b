"""Models that speak the OpenAI chat dialect: the embedded engine on its Unix socket, and providers over HTTP.

An answer is always streamed here, whatever the client asked for: only so can it be cancelled, metered and checked while it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.adapters.http.faults import ExchangeFailed
from headrace.adapters.models import faults, grammar, wire
from headrace.adapters.models.exchange import Endpoint
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
        self._client = endpoint.client()
        self._chat = endpoint.asking(self._client, "chat/completions", "text/event-stream")
        self._tokens = endpoint.asking(self._client, "chat/completions/input_tokens", "application/json")
        self._model = model

    async def count(self, prompt: CleanPrompt, sampling: Sampling) -> int | None:
        """Tokens that the prompt takes with its template; None for a provider. Raises Unavailable when the engine is not there, and
        BadRequest for a JSON Schema that it would not keep to."""
        if self._endpoint.socket is None:
            return None
        _require_kept(sampling)  # its grammar takes no tokens
        try:
            response = await self._client.ask(self._tokens, wire.counting(prompt))
            try:
                body = await response.read_whole(LONGEST_EVENT)
            finally:
                response.close()
            if response.status != faults.OK:
                raise faults.of_status(response.status, body, response.header("Retry-After"))
            return wire.read_count(body).input_tokens
        except (ExchangeFailed, TimeoutError, msgspec.DecodeError) as error:
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
            response = await self._client.ask(self._chat, body)
            try:
                if response.status != faults.OK:
                    raise faults.of_status(response.status, await response.read_whole(LONGEST_EVENT), response.header("Retry-After"))
                while not reading.done and (piece := await response.read()):
                    if (text := reading.feed(piece)) is not None:
                        yield text
                await response.end(LINGER)
                for event in reading.end():
                    yield event
            finally:
                response.close()
        except (ExchangeFailed, TimeoutError, msgspec.DecodeError) as error:
            raise faults.of_exchange(error, began=reading.began, ours=self._endpoint.socket is not None) from error

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        await self._client.close()


def _require_kept(sampling: Sampling) -> None:
    if sampling.format is not None and sampling.format.schema is not None:
        grammar.require_kept(sampling.format.schema)
