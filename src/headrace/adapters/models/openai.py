"""Models that speak the OpenAI chat dialect: the embedded engine on its Unix socket, and providers over HTTP.

An answer is always streamed here, whatever the client asked for: only so can it be cancelled, metered and checked while it is written.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from headrace.adapters.models import faults, grammar, wire
from headrace.adapters.models.stream import LONGEST_EVENT, Reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from headrace.core.events import ModelEvent
    from headrace.core.text import CleanPrompt
    from headrace.core.values import Sampling

CONNECT_WITHIN = 5.0
IDLE_CONNECTION = 15.0
"""Seconds that an unused connection to a provider is kept."""
LINGER = 0.25
"""Seconds that a finished stream is given to close in order, so that its connection can be used again."""
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `url` goes up to and including ``/v1``; `key` is sent as a bearer token.

    With `socket` the embedded engine is asked there. `connections` bounds the exchanges at once; `answer_within` (seconds) each of them.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    socket: Path | None = None
    connections: int = 64
    answer_within: float = 120.0

    @classmethod
    def embedded(cls, socket: Path, *, slots: int, answer_within: float = 300.0) -> Endpoint:
        """The engine that Headrace runs itself: beside those that are answered, as many again can be counted."""
        return cls("http://engine/v1", socket=socket, connections=2 * slots + 4, answer_within=answer_within)


class OpenAIChat:
    """One deployment. Port ChatModel; for one event loop. The embedded engine counts prompts exactly; a provider does not tell."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._chat = f"{endpoint.url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if endpoint.key is not None:
            self._headers["Authorization"] = f"Bearer {endpoint.key}"
        self._session: aiohttp.ClientSession | None = None

    async def count(self, prompt: CleanPrompt, sampling: Sampling) -> int | None:
        """Tokens that the prompt takes with its template; None for a provider. Raises Unavailable when the engine is not there, and
        BadRequest for a JSON Schema that it would not keep to."""
        if self._endpoint.socket is None:
            return None
        _require_kept(sampling)  # its grammar takes no tokens
        try:
            async with self._open().post(f"{self._chat}/input_tokens", data=wire.counting(prompt), headers=self._headers) as response:
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
            response = await self._ask(body)
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
        if self._session is not None:
            await self._session.close()

    async def _ask(self, body: bytes) -> aiohttp.ClientResponse:
        """The response's head. A kept connection that the provider has closed meanwhile is replaced once: it has read nothing."""
        session = self._open()
        try:
            return await session.post(self._chat, data=body, headers=self._headers, allow_redirects=False)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if self._endpoint.socket is not None or isinstance(error, aiohttp.ClientConnectorError):
                raise
            return await session.post(self._chat, data=body, headers=self._headers, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            if self._endpoint.socket is not None:
                # Connecting to a Unix socket costs next to nothing, and a fresh connection cannot have gone stale.
                connector: aiohttp.BaseConnector = aiohttp.UnixConnector(
                    str(self._endpoint.socket), limit=self._endpoint.connections, force_close=True
                )
            else:
                connector = aiohttp.TCPConnector(limit=self._endpoint.connections, keepalive_timeout=IDLE_CONNECTION)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._endpoint.answer_within, sock_connect=CONNECT_WITHIN),
                trust_env=self._endpoint.socket is None and any(name in os.environ for name in _PROXIES),
            )
        return self._session


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
