"""``POST /v1/chat/completions``: from a body to an answer, whole or streamed, and every way in which that can end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from headrace.app.http import errors
from headrace.app.http.credentials import bearer
from headrace.app.http.events import Events
from headrace.app.http.request import Envelope, client_of, read
from headrace.app.http.response import completion
from headrace.app.http.running import while_connected
from headrace.app.http.wire import SAFE, ClientGone, Sender, encode, header, read_body
from headrace.core.errors import HeadraceError, Unavailable
from headrace.core.events import CleanDelta
from headrace.core.flow import Answer, Opened

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from headrace.app.http.gateway import Gateway
    from headrace.app.http.running import Answers
    from headrace.core.flow import Received

PATH: Final = "/v1/chat/completions"
_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"), *SAFE, (b"x-accel-buffering", b"no"))
"""Headers of a streamed answer; the last keeps nginx from holding it back."""


class Chat:
    """The endpoint. An ASGI application for this one path."""

    def __init__(self, gateway: Gateway, answers: Answers) -> None:
        self._gateway = gateway
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises nothing: whatever happens is told to the client and counted."""
        visit = _Visit(self._gateway, self._answers, scope, Sender(scope, send))
        try:
            await visit.run(receive)
        except ClientGone:
            visit.cancelled()
        except HeadraceError as error:
            await visit.fail(error)
        except asyncio.CancelledError:
            # The server has waited long enough for answers under way, and stops. The record of this one says "cancelled".
            message = "Headrace is being stopped, and this answer was not ready in time."
            await visit.fail(Unavailable(message, code="internal.stopping", mend="Ask again."))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a defect is logged, and answered as one
            await visit.fail(errors.of_defect(error, visit.request))


class _Visit:
    """One request, as far as it has come."""

    __slots__ = ("_answers", "_began", "_events", "_first", "_gateway", "_received_us", "_scope", "_sender", "_service", "request")

    def __init__(self, gateway: Gateway, answers: Answers, scope: Scope, sender: Sender) -> None:
        self._gateway = gateway
        self._answers = answers
        self._scope = scope
        self._sender = sender
        self._began = gateway.clock.monotonic()
        self._received_us = gateway.clock.now_us()
        self.request = gateway.ids.request()
        self._service = ""
        self._events: Events | None = None
        self._first: float | None = None

    async def run(self, receive: Receive) -> None:
        """Who asks comes first: a stranger's body is not read. Raises HeadraceError, ClientGone."""
        credential = bearer(self._scope)
        await self._gateway.authenticate(credential)
        async with self._answers.place():
            body = await read_body(self._scope, receive, self._gateway.limits)
            envelope = Envelope(self.request, self._received_us, credential, client_of(header(self._scope, b"user-agent")))
            received = read(body, envelope)
            self._service = received.call.service
            with while_connected(self._scope):
                answer = await self._draw(received)
            await self._give(answer)

    async def _draw(self, received: Received) -> Answer:
        """The answer, its text sent on as it comes when it is streamed: never before the ledger has the *opened* record."""
        async with aclosing(self._answers.events(received)) as events:
            async for event in events:
                if isinstance(event, CleanDelta):
                    await self._delta(event.text)
                elif isinstance(event, Opened):
                    self._events = Events(received.call)
                    await self._sender.start(200, [*_STREAM, (b"x-request-id", self.request.encode())])
                    await self._sender.write(self._events.opening(), more=True)
                else:
                    return event
        message = "the line ended without an answer"
        raise AssertionError(message)

    async def _delta(self, text: str) -> None:
        assert self._events is not None  # noqa: S101 - the line yields Opened first
        if self._first is None:
            self._first = self._seconds()
        await self._sender.write(self._events.delta(text), more=True)

    async def _give(self, answer: Answer) -> None:
        """The end of the stream, or the whole answer: its *settled* record is durable."""
        if self._events is not None:
            await self._sender.write(self._events.closing(answer), more=False)
        else:
            await self._sender.whole(200, encode(completion(answer)), [(b"x-request-id", self.request.encode())])
        self._answers.metrics.answered(answer, self._seconds(), self._first)

    async def fail(self, error: HeadraceError) -> None:
        """Tell the client what went wrong: as the response, or as the last event of the stream that has begun."""
        error.request = error.request or self.request
        self._answers.metrics.failed(self._service, error, self._seconds())
        try:
            if self._events is not None:
                await self._sender.write(self._events.broken(error), more=False)
            else:
                await self._sender.error(error)
        except ClientGone:
            return  # it has been counted; there is nobody to tell

    def cancelled(self) -> None:
        """The client left."""
        self._answers.metrics.cancelled(self._service, self._seconds())

    def _seconds(self) -> float:
        return self._gateway.clock.monotonic() - self._began
