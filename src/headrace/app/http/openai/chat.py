"""``POST /v1/chat/completions``: from a body to an answer, whole or streamed."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from headrace.app.http.exchange.running import while_connected
from headrace.app.http.exchange.visit import Visit
from headrace.app.http.exchange.wire import SAFE, encode
from headrace.app.http.openai.events import Events
from headrace.app.http.openai.request import read
from headrace.app.http.openai.response import completion
from headrace.core.events import CleanDelta
from headrace.core.flow import Answer, Opened

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from headrace.app.http.exchange.running import Answers
    from headrace.app.http.openai.request import Envelope
    from headrace.app.http.ports.gateway import Gateway
    from headrace.core.errors import HeadraceError
    from headrace.core.flow import Received

PATH: Final = "/v1/chat/completions"
_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"), *SAFE, (b"x-accel-buffering", b"no"))
"""Headers of a streamed answer; the last keeps nginx from holding it back."""


class Chat(Visit):
    """An answer, whole or streamed."""

    def __init__(self, gateway: Gateway, answers: Answers, scope: Scope, send: Send) -> None:
        super().__init__(gateway, answers, scope, send)
        self._events: Events | None = None
        self._first: float | None = None

    async def serve(self, body: bytes, envelope: Envelope) -> None:
        """Answer, whole or streamed."""
        received = read(body, envelope)
        self.service = received.call.service
        with while_connected(self.scope):
            answer = await self._draw(received)
        await self._give(answer)

    def broken(self, error: HeadraceError) -> bytes | None:
        """The last event of a stream that has begun."""
        return self._events.broken(error) if self._events is not None else None

    async def _draw(self, received: Received) -> Answer:
        """The answer, its text sent on as it comes when it is streamed: never before the ledger has the *opened* record."""
        async with aclosing(self.gateway.answer(received)) as events:
            async for event in events:
                if isinstance(event, CleanDelta):
                    await self._delta(event.text)
                elif isinstance(event, Opened):
                    self._events = Events(received.call)
                    await self.sender.start(200, [*_STREAM, (b"x-request-id", self.request.encode())])
                    await self.sender.write(self._events.opening(), more=True)
                else:
                    return event
        message = "the line ended without an answer"
        raise AssertionError(message)

    async def _delta(self, text: str) -> None:
        assert self._events is not None  # noqa: S101 - the line yields Opened first
        if self._first is None:
            self._first = self.seconds()
        await self.sender.write(self._events.delta(text), more=True)

    async def _give(self, answer: Answer) -> None:
        """The end of the stream, or the whole answer: its *settled* record is durable."""
        if self._events is not None:
            await self.sender.write(self._events.closing(answer), more=False)
        else:
            await self.sender.whole(200, encode(completion(answer)), [(b"x-request-id", self.request.encode())])
        self.answers.metrics.answered(answer, answer.mode.value, self.seconds(), self._first)
