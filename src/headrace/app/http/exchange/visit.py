"""One request to a line: who asks, its body, and every way in which it can end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from headrace.app.http import errors
from headrace.app.http.exchange.credentials import bearer
from headrace.app.http.exchange.wire import ClientGone, Sender, header, read_body
from headrace.app.http.openai.request import Envelope, client_of
from headrace.core.errors import HeadraceError, Unavailable

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from headrace.app.http.exchange.running import Answers
    from headrace.app.http.ports.gateway import Gateway


class Visit(ABC):
    """One request, as far as it has come."""

    def __init__(self, gateway: Gateway, answers: Answers, scope: Scope, send: Send) -> None:
        self.gateway = gateway
        self.answers = answers
        self.scope = scope
        self.sender = Sender(scope, send)
        self.request = gateway.ids.request()
        self.service = ""
        """The service that is asked, once it is known."""
        self._began = gateway.clock.monotonic()
        self._received_us = gateway.clock.now_us()

    @abstractmethod
    async def serve(self, body: bytes, envelope: Envelope) -> None:
        """Answer. Raises HeadraceError, ClientGone."""

    async def run(self, receive: Receive) -> None:
        """Raises nothing: whatever happens is told to the client and counted."""
        try:
            await self._run(receive)
        except ClientGone:
            self.answers.metrics.cancelled(self.service, self.seconds())
        except HeadraceError as error:
            await self._fail(error)
        except asyncio.CancelledError:
            # The server has waited long enough for answers under way, and stops. The record of this one says "cancelled".
            message = "Headrace is being stopped, and this answer was not ready in time."
            await self._fail(Unavailable(message, code="internal.stopping", mend="Ask again."))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a defect is logged, and answered as one
            await self._fail(errors.of_defect(error, self.request))

    def seconds(self) -> float:
        """Since the request's head was there."""
        return self.gateway.clock.monotonic() - self._began

    def broken(self, error: HeadraceError) -> bytes | None:
        """What ends an answer that has begun; None when none has."""
        del error
        return None

    async def _run(self, receive: Receive) -> None:
        """Who asks comes first: a stranger's body is not read."""
        credential = bearer(self.scope)
        await self.gateway.authenticate(credential)
        with self.answers.place:
            body = await read_body(self.scope, receive, self.gateway.limits)
            client = client_of(header(self.scope, b"user-agent"))
            await self.serve(body, Envelope(self.request, self._received_us, credential, client, self.scope["path"]))

    async def _fail(self, error: HeadraceError) -> None:
        """Tell the client what went wrong: as the response, or as the end of the answer that has begun."""
        error.request = error.request or self.request
        self.answers.metrics.failed(self.service, error, self.seconds())
        try:
            end = self.broken(error)
            if end is None:
                await self.sender.error(error)
            else:
                await self.sender.write(end, more=False)
        except ClientGone:
            return  # it has been counted; there is nobody to tell
