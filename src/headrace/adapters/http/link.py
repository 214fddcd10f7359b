"""One connection, and the response that comes on it.

Every token of every answer passes here, so the parser (llhttp) puts the pieces of a body straight into a list, and whoever reads takes
all that has come since at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from headrace.adapters.http.faults import BrokenOff, NotHttp, TooLong

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a response's head."""
MOST_UNREAD: Final = 1024 * 1024
"""Bytes that wait to be read before the other side is let wait; and the most that may come without any of a body."""
_INFORMED: Final = range(100, 200)


class Link(asyncio.Protocol):
    """A connection, for one exchange after another."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._response: Response | None = None
        self.idle_since = 0.0
        """By the loop's clock."""

    @property
    def transport(self) -> asyncio.Transport:
        """Where its bytes go."""
        return self._transport

    @property
    def open(self) -> bool:
        """Can another request be sent?"""
        return not self._transport.is_closing()

    def send(self, request: bytes, let_go: Callable[[Link], None]) -> Response:
        """Ask. `let_go` is called once, when the response is closed: the link is open then, if it can be asked again."""
        response = self._response = Response(self, let_go)
        self._transport.write(request)
        return response

    def rest(self) -> None:
        """Nothing is expected any more."""
        self._response = None

    def abort(self) -> None:
        """Hang up now. What is being read breaks off."""
        if self._response is not None:
            self._response.broken()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of the event loop's protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of asyncio's

    def data_received(self, data: bytes) -> None:
        """Part of the event loop's protocol."""
        if self._response is None:
            self.abort()  # nobody has asked anything
        else:
            self._response.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of the event loop's protocol."""
        if self._response is not None:
            self._response.ended(in_order=exc is None)


class Response:
    """One response while it comes. For one reader; `close` it."""

    def __init__(self, link: Link, let_go: Callable[[Link], None]) -> None:
        self.status = 0
        """Once the head is there."""
        self.whole = False
        """Its end has come, if not been read."""
        self._link = link
        self._let_go = let_go
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._unread = 0
        self._paused = False
        self._keeps = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.on_header = self._headers.__setitem__
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)

    # -- for who asked

    def header(self, name: str) -> str:
        """The value of a header; empty when it is not there."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self._headers.items() if key.lower() == wanted), "")

    def limit(self, seconds: float) -> None:
        """Let it fail with TimeoutError if its end has not come by then."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._late)

    async def head(self) -> None:
        """Wait until `status` is there. Raises BrokenOff, NotHttp, TimeoutError."""
        while not self.status:
            if self._failure is not None:
                raise self._failure
            await self._more()

    async def read(self) -> bytes:
        """What has come since, at least a byte; nothing at the end. Raises BrokenOff, NotHttp, TimeoutError."""
        pieces = self._pieces
        while not pieces:
            if self._failure is not None:
                raise self._failure
            if self.whole:
                return b""
            await self._more()
        content = b"".join(pieces)
        pieces.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            self._link.transport.resume_reading()
        return content

    async def read_whole(self, most: int) -> bytes:
        """All of it. Raises TooLong when that is more than `most` bytes, and as :meth:`read`."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > most:
                raise TooLong("the body is longer than anything that is expected")
            pieces.append(piece)
        return b"".join(pieces)

    async def end(self, within: float) -> None:
        """Wait a moment for an end that should come, so that the connection can be used again. Raises nothing."""
        if self.whole:
            return
        try:
            async with asyncio.timeout(within):
                while await self.read():
                    pass
        except (TimeoutError, BrokenOff, NotHttp):
            return

    def close(self) -> None:
        """No more is wanted. Before the end of the response the connection is cut, which ends the work upstream. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        del self._parser  # which holds on to this response: nothing is left for the collector to find
        self._link.rest()
        if not (self.whole and self._keeps) or self._paused:
            self._link.abort()
        self._let_go(self._link)

    # -- for the link

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self.fail(NotHttp("another protocol was switched to"))
        except HttpParserError as error:
            self.fail(NotHttp(str(error)))
        if self._unread > LARGEST_HEAD and not self.status:
            self.fail(NotHttp("the head has no end"))
        elif self._unread > MOST_UNREAD and not self._pieces and not self.whole:
            self.fail(NotHttp("there is more around the body than in it"))  # a chunk's extensions, trailers without end
        elif self._unread > MOST_UNREAD and not self._paused:
            self._paused = True
            self._link.transport.pause_reading()
        self._wake()

    def ended(self, *, in_order: bool) -> None:
        """The connection is gone: the end of a body that told no length, and a break of any other."""
        framed = any(name.lower() in {b"content-length", b"transfer-encoding"} for name in self._headers)
        if in_order and self.status and not framed and self._failure is None:
            self.whole = True
        self.broken()

    def broken(self) -> None:
        """Nothing more will come."""
        self.fail(BrokenOff(unheard=not self._unread and not self.status))

    def fail(self, failure: Exception) -> None:
        """It comes to no end, unless it has. What has come before can still be read."""
        if not self.whole and self._failure is None:
            self._failure = failure
        self._wake()

    # -- for the parser

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if status < _INFORMED.start:
            raise NotHttp("the status is no status")
        if status not in _INFORMED:
            self.status = status

    def on_message_complete(self) -> None:
        """It is whole; or it was but a word on the way (100 to 103), and the response follows."""
        if self.status:
            self.whole = True
            self._keeps = self._parser.should_keep_alive()
        else:
            self._headers.clear()

    def on_message_begin(self) -> None:
        """A second response, which nobody has asked for: it is not read, and the connection is unfit for another exchange."""
        if self.whole:
            self._keeps = False
            raise NotHttp("there is more than one response")

    def _late(self) -> None:
        self.fail(TimeoutError())

    async def _more(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
