"""Asking with the HTTP client, in tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from headrace.adapters.http.client import Client
from headrace.adapters.http.reach import Site

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@contextlib.asynccontextmanager
async def client_of(url: str, *, connections: int = 4, within: float = 10.0) -> AsyncGenerator[Client]:
    made = Client(Site.of(url), connections=connections, within=within)
    try:
        yield made
    finally:
        await made.close()


async def fetch(client: Client, body: bytes = b"") -> tuple[int, bytes]:
    response = await client.ask(client.head("POST", "/v1/x", {"X-A": "b"}), body)
    try:
        return response.status, await response.read_whole(1 << 30)
    finally:
        response.close()
