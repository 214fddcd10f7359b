"""Reading a request and writing a response with limits of size and time, on bare ASGI: this is every request's path."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from headrace.app.http import errors
from headrace.core.errors import BadRequest, BodyTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from headrace.config.model import Limits
    from headrace.core.errors import HeadraceError

READER_STALLS_S: Final = 30.0
"""Seconds for which a client may take nothing of what is sent to it. Then it is gone: nobody holds a slot by not reading."""
EXCHANGE: Final = "headrace.exchange"
"""ASGI extension of our server: the exchange (:class:`Exchange`)."""
SAFE: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_encode = msgspec.json.Encoder().encode


class Exchange(Protocol):
    """One request and its answer on their connection."""

    def abort(self) -> None:
        """Drop the connection at once."""
        ...

    def arrived(self) -> bool:
        """Is the request here, whole?"""
        ...

    def ends(self) -> bool:
        """Must the answer that follows be the connection's last? So it is while the request's body has not come whole."""
        ...

    def when_gone(self, act: Callable[[], None] | None) -> None:
        """Do this once the client has left: at once when it is gone already. None: nothing any more."""
        ...


class ClientGone(Exception):
    """The client left, or takes nothing any more; there is nobody to tell."""


def exchange(scope: Scope) -> Exchange:
    """The exchange that a request came in."""
    return scope["extensions"][EXCHANGE]


def header(scope: Scope, name: bytes) -> str:
    """The value of a header; empty when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is clear, BadRequest when it comes too slowly, ClientGone."""
    most = limits.body.bytes
    announced = header(scope, b"content-length")
    if announced.isdecimal() and int(announced[:18]) > most:
        raise _too_large(most)
    if header(scope, b"content-encoding") not in {"", "identity"}:
        message = "A compressed body is not read."
        raise BadRequest(message, code="request.encoded", param="Content-Encoding", mend="Send the body as it is.")
    if exchange(scope).arrived():
        return await _collect(receive, most)  # nothing is waited for, so no timer is set
    try:
        async with asyncio.timeout(limits.body_within.seconds):
            return await _collect(receive, most)
    except TimeoutError:
        message = f"The body was not here within {limits.body_within.seconds:g} s."
        raise BadRequest(message, code="request.too_slow", mend="Send it faster, or smaller.") from None


async def _collect(receive: Receive, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body = message.get("body", b"")
        size += len(body)
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join([*pieces, body]) if pieces else body
        pieces.append(body)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than {most:,} bytes.", mend="Send less at one time.", facts={"most": most})


class Sender:
    """The response. Each write waits for a slow reader, but not for ever."""

    __slots__ = ("_exchange", "_send", "_stall", "started")

    def __init__(self, scope: Scope, send: Send, stall: float = READER_STALLS_S) -> None:
        self._send = send
        self._stall = stall
        self._exchange: Exchange | None = scope.get("extensions", {}).get(EXCHANGE)
        self.started = False

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Status and headers."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, content: bytes, *, more: bool) -> None:
        """Part of the body. Raises ClientGone when the reader has stalled; the connection is dropped then."""
        message: Message = {"type": "http.response.body", "body": content, "more_body": more}
        try:
            async with asyncio.timeout(self._stall):
                await self._send(message)
        except TimeoutError:
            if self._exchange is not None:
                self._exchange.abort()
            raise ClientGone from None

    async def whole(self, status: int, content: bytes, headers: Sequence[tuple[bytes, bytes]], media: bytes = b"application/json") -> None:
        """A response of one piece; kept by nobody, unless its own headers say who may."""
        length = str(len(content)).encode()
        safe = SAFE if not any(name == b"cache-control" for name, _ in headers) else SAFE[:1]
        await self.start(status, [(b"content-type", media), (b"content-length", length), *safe, *headers])
        await self._send({"type": "http.response.body", "body": content, "more_body": False})

    async def error(self, error: HeadraceError, *, last: bool = False) -> None:
        """An error as the whole response. `last`, or a body that was not read to its end, ends the connection."""
        said = errors.headers(error)
        if (self._exchange is not None and self._exchange.ends()) or last:
            said.append((b"connection", b"close"))
        await self.whole(errors.shape(error).status, _encode(errors.body(error)), said)


def encode(content: object) -> bytes:
    """JSON."""
    return _encode(content)
