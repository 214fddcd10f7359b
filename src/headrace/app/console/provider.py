"""Signing in with the company's provider: the way there, the way back, and signing out there too."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from headrace.app.console import sign_in
from headrace.app.console.attempts import client_of
from headrace.app.console.session import begun, drop_begun, keep_begun, keep_session
from headrace.app.console.shield import is_secure
from headrace.app.http.exchange.wire import header
from headrace.core.errors import BadRequest, Forbidden, HeadraceError, NotFound, Unauthenticated

if TYPE_CHECKING:
    from headrace.app.console.attempts import Attempts
    from headrace.app.console.visit import Visit

BACK: Final = "/console/sign-in/done"
"""The page that the provider sends people back to: it must be registered there."""
SIGNED_OUT: Final = "/console/sign-out/done"
BACK_CHANNEL: Final = "/console/sign-out/provider"
"""Where the provider says that somebody signed out there. A server sends it, and it is signed: no page, no cookie, no origin."""


async def leave(visit: Visit) -> None:
    """Send the browser to the provider. It alone keeps what is needed to come back."""
    there = sign_in.onward(visit.query.get("next", ""))
    secret = base64.urlsafe_b64encode(visit.gateway.ids.salt()).rstrip(b"=").decode()
    try:
        location = await visit.gateway.sign_ins.begin(secret, _address(visit, BACK))
    except NotFound:
        raise
    except HeadraceError as error:
        await sign_in.page(visit, there, error)
        return
    await visit.go(location, keep_begun(visit.scope, secret, there))


async def back(visit: Visit, attempts: Attempts) -> None:
    """The provider sent the browser back: begin the session. Whatever came, this sign-in is over with it."""
    client, kept = client_of(visit.scope), begun(visit.scope)
    there = sign_in.onward(kept[1]) if kept is not None else sign_in.HOME
    try:
        attempts.check(client)
        if kept is None:
            message = "This sign-in was not begun in this browser, or it took too long."
            raise Unauthenticated(message, code="identity.foreign_sign_in", mend="Sign in again.")
        token = await visit.gateway.sign_ins.finish(kept[0], _address(visit, BACK), visit.query)
    except NotFound:
        raise
    except HeadraceError as error:
        if isinstance(error, Unauthenticated | Forbidden):
            attempts.failed(client)
        await sign_in.page(visit, there, error, drop_begun(visit.scope))
        return
    await visit.page("signed_in.html", {"onward": there}, 200, [keep_session(visit.scope, token), drop_begun(visit.scope)])


async def signed_out(visit: Visit) -> None:
    """Signed out here. There is a link to sign out at the provider too; it stays away where the provider does."""
    farewell = None
    with suppress(HeadraceError):
        farewell = await visit.gateway.sign_ins.farewell(_address(visit, "/console/sign-in"))
    await visit.page("signed_out.html", {"farewell": farewell, "provider": visit.gateway.sign_ins.provider})


async def signed_out_there(visit: Visit, attempts: Attempts) -> None:
    """The provider's own word that somebody signed out. Raises what does not hold; the answer says nothing else."""
    client = client_of(visit.scope)
    attempts.check(client)
    token = (await visit.form()).get("logout_token", "")
    try:
        await visit.gateway.sign_ins.signed_out(token)
    except Unauthenticated as error:
        attempts.failed(client)
        raise BadRequest(error.message, code=error.code, param="logout_token") from error
    await visit.sender.whole(200, b"", [(b"cache-control", b"no-store")], b"text/plain; charset=utf-8")


def _address(visit: Visit, path: str) -> str:
    """A page of ours under the name that the browser used, which :func:`check_host` knows."""
    return f"{'https' if is_secure(visit.scope) else 'http'}://{header(visit.scope, b'host').lower()}{path}"
