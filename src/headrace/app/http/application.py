"""The HTTP application: which path leads where. The lines are bare ASGI; the rest is found by Starlette's router."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.routing import Route, Router

from headrace.app import console
from headrace.app.http import errors
from headrace.app.http.exchange.body import shown
from headrace.app.http.exchange.look import Look
from headrace.app.http.exchange.running import Answers
from headrace.app.http.exchange.wire import Sender
from headrace.app.http.headrace import search
from headrace.app.http.headrace.log import LOG_ENDPOINTS
from headrace.app.http.headrace.lookups import ENDPOINTS
from headrace.app.http.openai import chat, embeddings
from headrace.app.http.published import openapi
from headrace.core.errors import BadRequest, HeadraceError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from headrace.app.http.exchange.look import Endpoint
    from headrace.app.http.exchange.visit import Visit
    from headrace.app.http.ports.gateway import Gateway

LINES: Final[Mapping[str, type[Visit]]] = {chat.PATH: chat.Chat, embeddings.PATH: embeddings.Embed, search.PATH: search.Find}
"""Every path that is asked with POST, and goes a line's whole way."""


def build(gateway: Gateway) -> ASGIApp:
    """The application over an inside. One an inside: its metrics are registered with it."""
    answers = Answers(gateway)
    routes = [
        Route(path, _Lookup(gateway, endpoint))
        for path, endpoint in {**ENDPOINTS, **LOG_ENDPOINTS, openapi.PATH: openapi.described}.items()
    ]
    rest = Router([*routes, *console.routes(gateway, answers)], redirect_slashes=False, default=_nowhere)
    return Application({path: partial(kind, gateway, answers) for path, kind in LINES.items()}, rest)


class Application:
    """The way in. Whatever goes wrong behind it is answered in our error shape."""

    def __init__(self, lines: Mapping[str, Callable[[Scope, Send], Visit]], rest: ASGIApp) -> None:
        self._lines = lines
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        visit = self._lines.get(scope["path"])
        if visit is not None and scope["method"] == "POST":
            await visit(scope, send).run(receive)
        else:
            await self._elsewhere(scope, receive, send)

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if scope["path"] in self._lines:
                raise _method("POST")
            await self._rest(scope, receive, noting)
        except HeadraceError as error:
            told = error
        except Exception as error:  # noqa: BLE001 - the last line of defence: a defect is logged, and answered as one
            told = errors.of_defect(error, shown(str(scope["path"])))
        else:
            return
        if not started:
            await Sender(scope, send).error(told)


class _Lookup:
    """An endpoint as an ASGI application."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint) -> None:
        self._gateway = gateway
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["method"] not in {"GET", "HEAD"}:
            raise _method("GET, HEAD")
        found = await self._endpoint(Look(self._gateway, scope))
        await Sender(scope, send).whole(found.status, found.content, found.headers, found.media)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    message = "There is nothing at this address."
    raise NotFound(message, mend="The API reference lists the addresses; the OpenAI dialect is under /v1.")


def _method(allowed: str) -> BadRequest:
    return BadRequest(
        f"Only {allowed} is served here.", code="request.method_not_allowed", mend=f"Use {allowed}.", facts={"allow": allowed}
    )
