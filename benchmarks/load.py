"""A closed-loop HTTP/1.1 load generator on plain asyncio protocols: cheap enough that it measures the server and not itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass
class Result:
    """Latencies in seconds of the answers, the wall time, and how many answers were not 200."""

    latencies: list[float] = field(default_factory=list)
    wall: float = 0.0
    failed: int = 0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that this share of the answers stayed within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.wall if self.wall else 0.0


class _Exchange(asyncio.Protocol):
    """One kept-alive connection: send the request, wait for the whole answer."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = bytearray()
        self._expected = -1
        self._chunked = False
        self._status = 0
        self._answered: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected < 0:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._status = int(self._buffer[9:12])
            length = _content_length(bytes(self._buffer[:head]))
            self._chunked = length is None
            self._expected = head + 4 + (length or 0)
        if self._chunked and not self._buffer.endswith(_LAST_CHUNK):
            return
        if len(self._buffer) >= self._expected and self._answered is not None:
            self._buffer.clear()
            self._expected = -1
            self._answered.set_result(self._status)

    async def once(self) -> int:
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(self._request)
        return await self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int | None:
    """None: it comes in chunks."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    assert b"chunked" in head, "the load generator needs answers whose end it can see"
    return None


async def load(url: str, body: bytes, headers: dict[str, str], *, connections: int, seconds: float, warm: float = 1.0) -> Result:
    """Keep `connections` requests in flight for `seconds`, after `warm` seconds that do not count."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    loop = asyncio.get_running_loop()
    result = Result()
    counting_from = time.perf_counter() + warm
    stop_at = counting_from + seconds

    async def one() -> None:
        _, exchange = await loop.create_connection(lambda: _Exchange(request), parts.hostname, parts.port)
        try:
            while (began := time.perf_counter()) < stop_at:
                status = await exchange.once()
                ended = time.perf_counter()
                if began >= counting_from:
                    result.latencies.append(ended - began)
                    result.failed += status != 200
        finally:
            exchange.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    result.wall = time.perf_counter() - counting_from
    return result
