"""Exchanges with one endpoint of the OpenAI dialect: where it is, and the connections to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_WITHIN = 5.0
IDLE_CONNECTION = 15.0
"""Seconds that an unused connection to a provider is kept."""
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

    def at(self, path: str) -> str:
        """The address of a path below ``/v1``."""
        return f"{self.url.rstrip('/')}/{path}"

    def headers(self, accept: str) -> dict[str, str]:
        """What every request to it says."""
        said = {"Content-Type": "application/json", "Accept": accept, "Accept-Encoding": "identity"}
        if self.key is not None:
            said["Authorization"] = f"Bearer {self.key}"
        return said


class Exchanges:
    """The connections to an endpoint, opened with the first request. For one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: str, body: bytes, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """The response's head. A kept connection that the provider has closed meanwhile is replaced once: it has read nothing."""
        session = self.session()
        try:
            return await session.post(url, data=body, headers=headers, allow_redirects=False)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if self._endpoint.socket is not None or isinstance(error, aiohttp.ClientConnectorError):
                raise
            return await session.post(url, data=body, headers=headers, allow_redirects=False)

    def session(self) -> aiohttp.ClientSession:
        """The session, opened where there is none."""
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

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        if self._session is not None:
            await self._session.close()
