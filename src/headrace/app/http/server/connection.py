"""One client's connection: uvicorn's own, with the bounds that keep strangers from holding it for nothing.

What is added: the size of a request's head, the time that it may take, errors in our shape also for what is not HTTP, a close that lets
the client read the answer first, an end to readers that take nothing, and bodies that come with an offer to upgrade.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from headrace.app.http import errors
from headrace.app.http.exchange.wire import EXCHANGE, READER_STALLS_S, SAFE, Sender
from headrace.core.errors import BadRequest, Overloaded, defect_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from headrace.config.model import Limits
    from headrace.core.errors import HeadraceError

LONGEST_TARGET: Final = 8 * 1024
"""Bytes of a request's target."""
LARGEST_HEAD: Final = 32 * 1024
"""Bytes of all header fields together."""
MOST_HEADERS: Final = 100
LINGERS_S: Final = 2.0
"""Seconds in which a client may read the answer to what it had not sent whole."""
_FRAMING: Final = 8
"""A body in chunks of one byte takes six times its size; what takes more than this is not a body."""
_log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """A connection with bounds. `most` is how many there may be at one time."""

    def __init__(self, config: Config, state: ServerState, limits: Callable[[], Limits], most: int) -> None:
        super().__init__(config, state, app_state={})
        self.access_log = False
        self._limits = limits
        self._most = most
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._arriving = 0
        self._since_began = 0
        self._began_now = False
        self._deaf = False
        self._lingering = False
        self._promised = 0
        self.when_gone: Callable[[], None] | None = None

    # -- the transport's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A client is there: its first request's head must be here in time."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            message = f"{self._most} connections are open, and no more are taken at one time."
            self.part(Overloaded(message, mend="Try again shortly."))
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Bytes came. What is not HTTP, or too much of it, is answered and ends the connection."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._began_now = False
        self._arriving = len(data)
        self._since_began += self._arriving
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            self._not_http(error)
            return
        if self._in_head:
            self._head_bytes += 0 if self._began_now else len(data)
            if self._head_bytes > LONGEST_TARGET + LARGEST_HEAD:
                self.part(_too_large())
                return
        elif self._answering() and self.cycle.more_body:
            self._body_bytes += 0 if self._began_now else len(data)
            if self._body_bytes > LARGEST_HEAD + _FRAMING * self._limits().body.bytes:
                self._broken(_too_large())
                return
        if self._in_head or not self._answering():
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or was let go."""
        self._forget_timer()
        super().connection_lost(exc)
        self.left()

    def timeout_keep_alive_handler(self) -> None:
        """Nobody asked anything for a while. A client that has not even read its last answer is dropped."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    # -- the parser's calls

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = self._began_now = True
        self._head_bytes = self._body_bytes = self._promised = 0
        self._since_began = self._arriving
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field. Those behind a body (trailers) are passed over: nobody has promised to read them."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the application may begin."""
        assert self.parser is not None  # noqa: S101 - it is there as long as the client is
        self._in_head = False
        self._forget_timer()
        flaw = self._flaw()
        if flaw is not None:
            self.app = _refusing(flaw)
        elif self.parser.should_upgrade():
            self._promised = self._announced()
        super().on_headers_complete()
        cast("dict[str, object]", self.scope)["extensions"] = {EXCHANGE: Exchange(self, self.cycle)}

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._promised == 0:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; it may not be read yet."""
        if self._lingering:
            return
        if not self.pipeline and self.cycle.more_body and not self.transport.is_closing():
            self.linger()
            return
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._cut_after(READER_STALLS_S)

    # -- how it ends

    def left(self) -> None:
        """Tell whoever wants to know that the client is gone."""
        act, self.when_gone = self.when_gone, None
        if act is not None:
            act()

    def part(self, error: HeadraceError) -> None:
        """Answer with an error and end the connection: for what never reaches the application."""
        content = msgspec.json.encode(errors.body(error))
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
            *SAFE,
            *errors.headers(error),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
        self.transport.write(STATUS_LINE[errors.shape(error).status] + lines + b"\r\n" + content)
        self.linger()

    def linger(self) -> None:
        """Send no more, and pass over what the client still sends until it leaves or its time is over.

        Closing at once would make the system throw away the answer that the client has not read yet.
        """
        self._deaf = self._lingering = True
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.transport.write_eof()
            self._cut_after(LINGERS_S)

    def _expect_head(self) -> None:
        """The next request's head must be whole before its time is over, however its bytes trickle in."""
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._limits().headers_within.seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        if self._answering() or self.transport.is_closing():
            return
        if self._in_head:
            within = self._limits().headers_within.seconds
            message = f"The request's head was not here within {within:g} s."
            self.part(BadRequest(message, code="request.too_slow", mend="Send it at once."))
        else:
            self.transport.close()

    def _cut_after(self, seconds: float) -> None:
        self._forget_timer()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    # -- what is wrong with a request

    def _feed(self, data: bytes) -> None:
        """Parse. An offer to upgrade is not taken, and the parser takes the body behind it for the other protocol's: it is read here."""
        while data:
            if self._promised:
                data = self._promised_body(data)
                continue
            assert self.parser is not None  # noqa: S101 - as above
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = data[cast("int", offer.args[0]) :]
            else:
                return

    def _promised_body(self, data: bytes) -> bytes:
        """Take the body; what comes behind it."""
        body, rest = data[: self._promised], data[self._promised :]
        self._promised -= len(body)
        self.on_body(body)
        if self._promised == 0:
            self.on_message_complete()
        return rest

    def _announced(self) -> int:
        """Bytes of the body that come with an offer to upgrade."""
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        return int(length) if length.isdigit() else 0

    def _flaw(self) -> HeadraceError | None:
        assert self.parser is not None  # noqa: S101 - as above
        if len(self.url) > LONGEST_TARGET:
            message = f"The request's target has more than {LONGEST_TARGET:,} bytes."
            return BadRequest(message, code="request.target_too_long", mend="Send parameters in the body.")
        if len(self.headers) > MOST_HEADERS or (self._since_began > LARGEST_HEAD and self._fields() > LARGEST_HEAD):
            return _too_large()
        if self.parser.should_upgrade() and any(name == b"transfer-encoding" for name, _ in self.headers):
            message = "A body in chunks with an offer to upgrade is not read."
            return BadRequest(message, code="request.upgrade", param="Upgrade", mend="Leave Upgrade out: HTTP/1.1 is spoken here.")
        return None

    def _fields(self) -> int:
        """Bytes of the header fields."""
        return sum(len(name) + len(value) for name, value in self.headers)

    def _not_http(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if isinstance(error, httptools.HttpParserCallbackError) and not isinstance(cause, httptools.HttpParserError | UnicodeError):
            _log.error("a request's head could not be taken: %s", defect_place(cause or error))
        message = "What was sent is not HTTP/1.1."
        self._broken(BadRequest(message, code="request.not_http", mend="Speak HTTP/1.1 here; TLS is ended before Headrace."))

    def _broken(self, error: HeadraceError) -> None:
        """Nothing more can be read. An answer under way to an earlier, whole request is still given."""
        self._deaf = True
        if not self._answering():
            self.part(error)
        elif self.cycle.more_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
            else:
                self.part(error)
        else:
            self.cycle.keep_alive = False
            self.cycle.transport = _Lingering(self)


class Exchange:
    """One request and its answer, as the application may steer them. The ASGI extension
    :data:`headrace.app.http.exchange.wire.EXCHANGE`."""

    __slots__ = ("_connection", "_cycle")

    def __init__(self, connection: Connection, cycle: RequestResponseCycle) -> None:
        self._connection = connection
        self._cycle = cycle

    def abort(self) -> None:
        """Drop the connection at once."""
        self._cycle.disconnected = True
        self._connection.transport.abort()

    def arrived(self) -> bool:
        """Is the request here, whole?"""
        return not self._cycle.more_body

    def ends(self) -> bool:
        """Must the answer that follows be the connection's last? So it is while the request's body has not come whole."""
        if not self._cycle.more_body:
            return False
        self._cycle.transport = _Lingering(self._connection)
        return True

    def when_gone(self, act: Callable[[], None] | None) -> None:
        """Do this once the client has left: at once when it is gone already. None: nothing any more."""
        self._connection.when_gone = act
        if self._cycle.disconnected:
            self._connection.left()


class _Lingering(asyncio.Transport):
    """A connection's transport whose close lets the client read first."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.transport.write(data)

    def is_closing(self) -> bool:
        return self._connection.transport.is_closing()

    def close(self) -> None:
        self._connection.linger()


def _too_large() -> BadRequest:
    message = f"The request's header fields have more than {LARGEST_HEAD:,} bytes, or are more than {MOST_HEADERS}."
    return BadRequest(message, code="request.headers_too_large", mend="Send fewer and shorter ones.")


def _refusing(error: HeadraceError) -> ASGIApp:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await Sender(scope, send).error(error, last=True)

    return refuse
