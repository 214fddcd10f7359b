"""How another is reached: over a Unix socket, TCP or TLS, directly or through the proxy that the environment names."""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType] - its addresses are bare tuples

from headrace.adapters.http.faults import ExchangeFailed, Unreachable
from headrace.adapters.http.link import Link

if TYPE_CHECKING:
    from pathlib import Path

    from aiohappyeyeballs import AddrInfoType

CONNECT_WITHIN: Final = 5.0
"""Seconds for a connection, with all that stands between."""
_NEXT_ADDRESS_AFTER: Final = 0.25
"""Seconds after which a host's next address is tried beside the one that has not answered (RFC 8305)."""
_PORTS: Final = {"http": 80, "https": 443}
_NO_ADDRESS: Final = SplitResult("", "", "", "", "")
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Site:
    """Who is asked: the scheme, host and port of a URL; with `socket` whoever listens there. `proxy` stands between, where there is one."""

    scheme: str
    host: str
    port: int
    socket: Path | None = None
    proxy: SplitResult | None = None

    @classmethod
    def of(cls, url: str, socket: Path | None = None) -> Site:
        """The site of a URL, and the environment's proxy for it."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        proxy = None if socket is not None else _proxy(parts.scheme, host, port)
        return cls(parts.scheme, host, port, socket, proxy)

    @property
    def name(self) -> str:
        """As it stands in Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def tunnelled(self) -> bool:
        """TLS goes through a proxy, which does not see into it."""
        return self.proxy is not None and self.scheme == "https"

    @property
    def asks_proxy(self) -> bool:
        """The proxy itself reads the request."""
        return self.proxy is not None and self.scheme == "http"


def authorization(proxy: SplitResult) -> dict[str, str]:
    """What a proxy wants to hear, when its address has a user."""
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(said.encode()).decode()}"}


async def connect(site: Site) -> Link:
    """A new connection. Raises Unreachable, TimeoutError."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            return await _connected(site)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{site.name} cannot be reached", getattr(error, "errno", None) or 0) from error


async def _connected(site: Site) -> Link:
    loop = asyncio.get_running_loop()
    if site.socket is not None:
        return (await loop.create_unix_connection(Link, str(site.socket)))[1]
    if site.proxy is None:
        return await _opened(site.host, site.port, tls=site.scheme == "https")
    proxy = site.proxy
    if proxy.scheme not in _PORTS:
        raise Unreachable(f"{site.name} cannot be reached: {site.scheme}_proxy names no http:// or https:// address")
    link = await _opened(proxy.hostname or "", proxy.port or _PORTS[proxy.scheme], tls=proxy.scheme == "https")
    if site.tunnelled:
        await _through(link, site, proxy)
    return link


async def _opened(host: str, port: int, *, tls: bool) -> Link:
    """A connection to the first of a host's addresses that answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    taken = await start_connection(cast("list[AddrInfoType]", found), happy_eyeballs_delay=_NEXT_ADDRESS_AFTER, interleave=1)
    taken.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    try:
        made = await loop.create_connection(Link, sock=taken, ssl=trust() if tls else None, server_hostname=host if tls else None)
    except BaseException:
        taken.close()
        raise
    return made[1]


async def _through(link: Link, site: Site, proxy: SplitResult) -> None:
    """Let the proxy connect, and speak TLS with whom it has connected to."""
    target = f"{site.host}:{site.port}" if ":" not in site.host else f"[{site.host}]:{site.port}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in authorization(proxy).items())
    response = link.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{lines}\r\n".encode("latin-1"), lambda _: None)
    try:
        await response.head()
        if response.status != _OK:
            raise Unreachable(f"the proxy does not connect to {site.name} (it says {response.status})")
        link.rest()
        secure = await asyncio.get_running_loop().start_tls(link.transport, link, trust(), server_hostname=site.host)
        if secure is None:
            raise Unreachable(f"{site.name} has hung up")
        link.connection_made(secure)
    except BaseException as error:
        link.abort()
        if isinstance(error, ExchangeFailed) and not isinstance(error, Unreachable):
            raise Unreachable(f"the proxy does not connect to {site.name}") from error
        raise


@cache
def trust() -> ssl.SSLContext:
    """The authorities that this machine trusts, or those of ``SSL_CERT_FILE``: read once."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy(scheme: str, host: str, port: int) -> SplitResult | None:
    named = urllib.request.getproxies().get(scheme)
    names = (host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")  # NO_PROXY may name a port
    if not named or any(map(urllib.request.proxy_bypass, names)):
        return None
    try:
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        _ = proxy.port
    except ValueError:
        return _NO_ADDRESS
    return proxy
