"""Who is at the other end of a connection: the key that it shows, and whether it is this very machine."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from headrace.app.http.exchange.wire import header
from headrace.app.http.ports.gateway import SESSION_PREFIX
from headrace.core.errors import BadRequest, Unauthenticated

if TYPE_CHECKING:
    from starlette.types import Scope

_SEND_KEY: Final = "Send Authorization: Bearer with a key; headrace keys create makes one."
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


def bearer(scope: Scope) -> str:
    """The key in ``Authorization: Bearer``; cookies count for nothing here. Raises Unauthenticated when there is none, and for a console
    session's token, which belongs into its cookie; BadRequest when there are two."""
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(sent) > 1:
        message = "There are two Authorization headers, so it is not certain who asks."
        raise BadRequest(message, param="Authorization", mend="Send one.")
    scheme, _, key = sent[0].decode("latin-1").partition(" ") if sent else ("", "", "")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("There is no key.", code="identity.no_key", param="Authorization", mend=_SEND_KEY)
    if key.startswith(SESSION_PREFIX):
        raise Unauthenticated("A console session is no key.", param="Authorization", mend=_SEND_KEY)
    return key


def at_this_machine(scope: Scope) -> bool:
    """Is it a program on this machine that asks? Not so when a proxy speaks for somebody else, and not when a browser was led here under
    a foreign name: either would lend a stranger our own address."""
    client = scope.get("client")
    if client is None or not _loopback(str(client[0])):
        return False
    if any(header(scope, name) for name in _FORWARDED):
        return False
    return _loopback(host_of(header(scope, b"host")))


def host_of(host: str) -> str:
    """The name in a Host header, lower case, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(mapped.is_loopback if mapped is not None else address.is_loopback)
