"""What every page obeys: the headers that go with each response, the host names that are ours, and where a form may be sent from."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from headrace.app.http.exchange.wire import header
from headrace.core.errors import BadRequest, Forbidden

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import Message, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types headrace"
)
"""Content-Security-Policy: our own files alone, nothing inline, nobody frames us, and one named place where a script may insert HTML."""

HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),  # no-referrer would take the Origin off our own forms
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}


def armed(send: Send) -> Send:
    """`send`, with :data:`HEADERS` on whatever response is begun, and ``no-store`` unless the response says how it may be kept."""

    async def begin(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            kept = [(name, value) for name, value in message["headers"] if name not in ours]
            if not any(name == b"cache-control" for name, _ in kept):
                kept.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return begin


def host(scope: Scope) -> tuple[str, int | None]:
    """Name (lower case, without brackets) and port of the Host header; an empty name when it is not of that form."""
    found = _HOST.fullmatch(header(scope, b"host").lower())
    return (found["name"].strip("[]"), int(found["port"]) if found["port"] else None) if found else ("", None)


def check_host(scope: Scope, hosts: Collection[str]) -> None:
    """Raises BadRequest (421) for a name that is not ours: a foreign page may have made it resolve to us."""
    name, _ = host(scope)
    if name == "localhost" or name in hosts or _is_address(name):
        return
    raise BadRequest(
        "The console is not reached under this name.",
        code="request.foreign_host",
        param="Host",
        mend="Use the address of the machine, or have the name listed under hosts in headrace.yaml.",
    )


def check_origin(scope: Scope) -> None:
    """Raises Forbidden unless the browser says that a page of ours sent this form."""
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    own = _is_own(scope, origin) if origin else bool(site)
    if own and site in {"", "same-origin"}:
        return
    raise Forbidden(
        "This form was not sent by a page of this console.",
        code="request.foreign_origin",
        mend="Open the console itself and send it from there.",
    )


def is_secure(scope: Scope) -> bool:
    """Whether the browser reaches us over https: as the server knows it, the browser's own Origin says, or a proxy before us.

    Whoever lies about it only gets cookies that their own browser will not keep.
    """
    forwarded = header(scope, b"x-forwarded-proto").lower() == "https" or "proto=https" in header(scope, b"forwarded").lower()
    return scope["scheme"] == "https" or forwarded or header(scope, b"origin").startswith("https://")


def _is_own(scope: Scope, origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        theirs = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return False
    name, named = host(scope)
    return parts.scheme in _PORTS and theirs == (name, named or _PORTS[parts.scheme])


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
