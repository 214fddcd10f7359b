"""Signing in with a key, once, and out again. The other way in is :mod:`headrace.app.console.provider`."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from headrace.app.console.attempts import client_of
from headrace.app.console.session import (
    FORM_FIELD,
    check_form,
    drop_session,
    form_secret,
    form_token,
    keep_form,
    keep_session,
    session_token,
)
from headrace.app.console.words import lasting, said
from headrace.app.http.exchange.wire import header
from headrace.app.http.ports.gateway import SESSION_ID_PREFIX
from headrace.core.errors import BadRequest, HeadraceError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.app.console.attempts import Attempts
    from headrace.app.console.visit import Visit

HOME: Final = "/console/"
_LONGEST_KEY = 512
_NEXT = re.compile(r"/console/(?:(?!sign-)[a-z-]{1,40}(?:/[A-Za-z0-9._-]{1,200})?(?:\?[\x21-\x5b\x5d-\x7e]{0,4000})?)?")
"""Pages that signing in may lead to: our own. One that is asked for by POST alone leads home when it is opened."""


async def show(visit: Visit) -> None:
    """The page that takes a key."""
    await page(visit, onward(visit.query.get("next", "")))


async def sign_in(visit: Visit, attempts: Attempts) -> None:
    """Begin a session for a key that is valid; the browser keeps the session's token, and nobody the key."""
    fields = await visit.form()
    there = onward(fields.get("next", ""))
    client = client_of(visit.scope)
    try:
        check_form(form_secret(visit.scope), fields.get(FORM_FIELD, ""))
        attempts.check(client)
        token = await visit.gateway.sessions.begin(_key(fields), visit.gateway.sign_ins.lasts_s)
        await visit.gateway.authenticate(token)  # whom the key speaks for may not come in any more: then this says so
    except HeadraceError as error:
        if isinstance(error, Unauthenticated):
            attempts.failed(client)
        await page(visit, there, error)
        return
    if (before := session_token(visit.scope)) is not None:
        await visit.gateway.sessions.end(before)
    await visit.go(there, keep_session(visit.scope, token))


async def sign_out(visit: Visit) -> None:
    """End the session, here and in the store."""
    session, _ = await visit.signed_form()
    await visit.gateway.sessions.end(session.token)
    by_provider = session.principal.key.startswith(SESSION_ID_PREFIX) and visit.gateway.sign_ins.provider is not None
    await visit.go("/console/sign-out/done" if by_provider else "/console/sign-in", drop_session(visit.scope))


async def send_there(visit: Visit) -> None:
    """Send somebody who is not signed in to the page that takes a key; it leads back here."""
    asked = {"next": here} if (here := visit.here()) != HOME else {}
    gone = [drop_session(visit.scope)] if session_token(visit.scope) else []
    await visit.go(f"/console/sign-in{'?' if asked else ''}{urlencode(asked)}", *gone)


async def page(visit: Visit, there: str, error: HeadraceError | None = None, *more: tuple[bytes, bytes]) -> None:
    """The page that takes a key or leads to the provider, with what went wrong; `there` is where signing in leads."""
    secret = form_secret(visit.scope)
    fresh = secret or base64.urlsafe_b64encode(visit.gateway.ids.salt()).rstrip(b"=").decode()
    words = None if error is None else said(error)
    waits = [(b"retry-after", str(int(getattr(error, "retry_after", 0))).encode())] if words and words.status == 429 else []  # noqa: PLR2004
    content = {
        "form": form_token(fresh),
        "onward": there,
        "provider": visit.gateway.sign_ins.provider,
        "lasts": lasting(visit.gateway.sign_ins.lasts_s),
        "said": words,
        "came_from_elsewhere": header(visit.scope, b"sec-fetch-site") == "cross-site",
    }
    kept = [] if secret else [keep_form(visit.scope, fresh)]
    await visit.page("sign_in.html", content, words.status if words else 200, [*waits, *kept, *more])


def _key(fields: Mapping[str, str]) -> str:
    key = fields.get("key", "").strip()
    if not key or len(key) > _LONGEST_KEY:
        raise BadRequest("No key was given.", param="key", mend="Paste the key that headrace keys create printed; it begins with hr_.")
    return key


def onward(asked: str) -> str:
    """Where signing in leads: a page of ours, never another place."""
    asked = asked.partition("#")[0]
    if not _NEXT.fullmatch(asked):
        return HOME
    return f"{asked}#quote" if asked.startswith("/console/document?") else asked
