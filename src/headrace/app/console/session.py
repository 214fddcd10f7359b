"""Who is at the console: cookies, and the form token that is bound to the first two.

``headrace`` holds the session's token, ``headrace-form`` 32 random bytes for the sign-in form, when there is no session yet, and
``headrace-begun`` as many for a sign-in with a provider, from its beginning to its end. Over https
they have the ``__Host-`` prefix, so that no neighbouring host can set them. Where the address names a port it is part of the name, for
cookies do not know ports, and two installations on one machine would sign each other's people out. A form token is an HMAC under the
cookie: a page that cannot read the cookie cannot make it, and nothing of it is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from headrace.app.console.shield import host, is_secure
from headrace.app.http.exchange.wire import header
from headrace.app.http.ports.gateway import SESSION_PREFIX
from headrace.core.errors import Forbidden
from headrace.core.people import SESSION_ID

if TYPE_CHECKING:
    from starlette.types import Scope

    from headrace.core.values import Principal

BEGUN_LASTS_S: Final = 600
"""Seconds that somebody may take at the provider's page."""
FORM_FIELD: Final = "form"
"""The field of every form that holds its token."""
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
_BEGUN = re.compile(r"(?P<secret>[A-Za-z0-9_-]{43})\.(?P<onward>[A-Za-z0-9%_.~-]{1,12000})")
_DOMAIN = b"headrace console form"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    token: str = field(repr=False)
    principal: Principal

    @property
    def form(self) -> str:
        """The form token of this session's pages."""
        return form_token(self.token)


def session_id(token: str) -> str:
    """What may be shown of a session: the beginning of its token's hash, as the control store has it."""
    return hashlib.sha256(token.encode()).hexdigest()[:SESSION_ID]


def form_token(secret: str) -> str:
    """The form token that goes with a cookie's value (hex)."""
    return hmac.new(secret.encode(), _DOMAIN, hashlib.sha256).hexdigest()


def check_form(secret: str | None, given: str) -> None:
    """Raises Forbidden unless `given` is the form token that goes with the cookie."""
    if secret is not None and hmac.compare_digest(form_token(secret).encode(), given.encode()):
        return
    raise Forbidden(
        "This page is from before you signed in, or from another session.",
        code="request.stale_form",
        mend="Load the page anew and send it again.",
    )


def session_token(scope: Scope) -> str | None:
    """The session's token in the request's cookies, if there is one of that form. An API key never passes for one."""
    found = _cookie(scope, "headrace", over_tls=is_secure(scope))
    return found if found is not None and found.startswith(SESSION_PREFIX) and _RANDOM.fullmatch(found[len(SESSION_PREFIX) :]) else None


def form_secret(scope: Scope) -> str | None:
    """The value of the sign-in form's cookie, if there is one of that form."""
    found = _cookie(scope, "headrace-form", over_tls=False)  # the page that set it may not have known that it went over https
    return found if found is not None and _RANDOM.fullmatch(found) else None


def keep_session(scope: Scope, token: str) -> tuple[bytes, bytes]:
    """The header that sets the session's cookie; it goes with the browser's window, and with the session."""
    return _set(scope, "headrace", token)


def keep_form(scope: Scope, secret: str) -> tuple[bytes, bytes]:
    """The header that sets the sign-in form's cookie."""
    return _set(scope, "headrace-form", secret)


def begun(scope: Scope) -> tuple[str, str] | None:
    """The secret of the sign-in with a provider that this browser has begun, and where it leads; None when it has begun none."""
    found = _BEGUN.fullmatch(_cookie(scope, "headrace-begun", over_tls=is_secure(scope)) or "")
    return None if found is None else (found["secret"], unquote(found["onward"]))


def keep_begun(scope: Scope, secret: str, onward: str) -> tuple[bytes, bytes]:
    """The header that sets it. The browser comes back from the provider's page, so it must be sent from there: SameSite is Lax."""
    return _set(scope, "headrace-begun", f"{secret}.{quote(onward, safe='')}", f"Max-Age={BEGUN_LASTS_S}", same_site="Lax")


def drop_begun(scope: Scope) -> tuple[bytes, bytes]:
    """The header that removes it: a sign-in ends once."""
    return _set(scope, "headrace-begun", "", "Max-Age=0", same_site="Lax")


def drop_session(scope: Scope) -> tuple[bytes, bytes]:
    """The header that removes the session's cookie."""
    return _set(scope, "headrace", "", "Max-Age=0")


def _names(scope: Scope, name: str) -> tuple[str, str]:
    """The cookie's name over https, and over http."""
    _, port = host(scope)
    suffix = f"-{port}" if port else ""
    return f"__Host-{name}{suffix}", f"{name}{suffix}"


def _cookie(scope: Scope, name: str, *, over_tls: bool) -> str | None:
    """The cookie's value; over https only the one that no neighbouring host can have set."""
    sent = [each.strip().partition("=") for each in header(scope, b"cookie").split(";")]
    secure, plain = _names(scope, name)
    for wanted in (secure,) if over_tls else (secure, plain):
        for found, _, value in sent:
            if found == wanted:
                return value
    return None


def _set(scope: Scope, name: str, value: str, *more: str, same_site: str = "Strict") -> tuple[bytes, bytes]:
    secure, plain = _names(scope, name)
    over_tls = is_secure(scope)
    words = [f"{secure if over_tls else plain}={value}", "Path=/", "HttpOnly", f"SameSite={same_site}", *more]
    words += ["Secure"] if over_tls else []
    return b"set-cookie", "; ".join(words).encode()
