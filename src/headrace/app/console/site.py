"""The pages of the console and the ways to them. What goes wrong on the way to a page becomes a page that says so."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from headrace.app.console import ask, people, provider, requests, services, sign_in, sources
from headrace.app.console.area import Areas
from headrace.app.console.assets import KEPT, by_path
from headrace.app.console.attempts import Attempts
from headrace.app.console.shield import armed, check_host, check_origin
from headrace.app.console.visit import Visit
from headrace.app.console.words import said
from headrace.app.http import errors
from headrace.app.http.exchange.wire import ClientGone
from headrace.core.errors import BadRequest, HeadraceError, NotFound, Unauthenticated

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from headrace.app.console.area import Found
    from headrace.app.http.exchange.running import Answers
    from headrace.app.http.ports.gateway import Gateway


def areas(gateway: Gateway, answers: Answers) -> Areas:
    """Every page. An area is entered here, at its place in the navigation, and nowhere else."""
    attempts = Attempts(gateway.clock)
    others = {
        "/": {"GET": _home},
        "/console": {"GET": _home},
        "/console/sign-in": {"GET": sign_in.show, "POST": partial(sign_in.sign_in, attempts=attempts)},
        "/console/sign-in/provider": {"GET": provider.leave},
        provider.BACK: {"GET": partial(provider.back, attempts=attempts)},
        "/console/sign-out": {"GET": _home, "POST": sign_in.sign_out},
        provider.SIGNED_OUT: {"GET": provider.signed_out},
        provider.BACK_CHANNEL: {"POST": partial(provider.signed_out_there, attempts=attempts)},
    }
    return Areas((ask.area(answers, _home), requests.area(), sources.AREA, services.AREA, people.AREA), others)


def routes(gateway: Gateway, answers: Answers) -> list[Route]:
    """Everything under ``/console``, and ``/``, which leads there."""
    console = Console(gateway, answers)
    return [Route(path, console, include_in_schema=False) for path in ("/", "/console", "/console/{page:path}")]


class Console:
    """The console as an ASGI application."""

    def __init__(self, gateway: Gateway, answers: Answers) -> None:
        self._gateway = gateway
        self._areas = areas(gateway, answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        visit = Visit(self._gateway, self._areas, scope, receive, armed(send))
        method = "GET" if scope["method"] == "HEAD" else str(scope["method"])
        try:
            check_host(scope, self._gateway.hosts)
            if scope["path"] in by_path():
                await _asset(visit)
                return
            found = self._found(scope["path"], method)
            if method == "POST" and scope["path"] != provider.BACK_CHANNEL:
                check_origin(scope)
            visit.name = found.name
            await found.pages[method](visit)
        except ClientGone:
            return
        except Exception as error:
            if visit.sender.started:
                raise  # half a page is no page: the server drops the connection
            await _say(visit, method, error)

    def _found(self, path: str, method: str) -> Found:
        """Raises NotFound, or BadRequest (405)."""
        found = self._areas.find(path)
        if found is None:
            raise NotFound("There is no such page.", code="request.no_such_page", mend="The console begins at /console/.")
        if method not in found.pages:
            message = "This page is not asked for in this way."
            raise BadRequest(message, code="request.method_not_allowed", mend="Open /console/.", facts={"allow": ", ".join(found.pages)})
        return found


async def _home(visit: Visit) -> None:
    await visit.go(sign_in.HOME)


async def _asset(visit: Visit) -> None:
    asset = by_path()[visit.scope["path"]]
    length = str(len(asset.content)).encode()
    await visit.sender.start(200, [(b"content-type", asset.media), (b"content-length", length), (b"cache-control", KEPT)])
    await visit.sender.write(asset.content, more=False)


async def _say(visit: Visit, method: str, error: Exception) -> None:
    """An error as a page; somebody who is not signed in is led to where they can."""
    if isinstance(error, Unauthenticated) and method == "GET":
        await sign_in.send_there(visit)
        return
    known = error if isinstance(error, HeadraceError) else errors.of_defect(error, f"The console ({visit.scope['path']})")
    if known is not error:
        visit.forget()  # what failed may be what the navigation asks too
    if isinstance(known, NotFound):
        with suppress(HeadraceError):
            await visit.session()  # whoever is lost is led on, to where they may go
    words = said(known)
    headers = [(name, value) for name, value in errors.headers(known) if name != _BEARER]
    await visit.page("message.html", {"said": words, "onward": visit.onward()}, words.status, headers)


_BEARER: Final = b"www-authenticate"
"""Keys go in headers for programs; the console asks for one on a page."""
