"""The connections to one site: kept for the next request, bounded, made anew where one has gone stale."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from headrace.adapters.http.faults import BrokenOff
from headrace.adapters.http.reach import authorization, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.adapters.http.link import Link, Response
    from headrace.adapters.http.reach import Site

IDLE_S: Final = 15.0
"""Seconds that an unused connection is kept."""
_PATH: Final = "/?%:@!$&'()*+,;=~[]"
"""What stands in a path as it is, beside letters and digits; anything else is written as octets."""
STALE_WITHIN_S: Final = 1.0
"""Seconds in which a kept connection shows that it was closed before it was asked: who breaks it later may have begun to work."""
_UNFIT: Final = dict.fromkeys([*range(32), 127], " ")


class Client:
    """Exchanges with one site: `connections` bounds those at once, `within` (seconds) each of them. For one event loop.

    A connection to a Unix socket is used once: making one costs next to nothing, and it cannot have gone stale.
    """

    def __init__(self, site: Site, *, connections: int, within: float) -> None:
        self._site = site
        self._within = within
        self._places = asyncio.Semaphore(connections)
        self._keeps = site.socket is None
        self._idle: list[Link] = []
        self._busy: set[Link] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """The head of requests to a path (which begins with a slash), all but its end: made once, sent often."""
        site = self._site
        said = {"Host": site.name, **headers, **(authorization(site.proxy) if site.proxy and site.asks_proxy else {})}
        path = quote(path, safe=_PATH)
        target = f"http://{site.name}{path}" if site.asks_proxy else path
        lines = "".join(f"{name}: {value.translate(_UNFIT).strip()}\r\n" for name, value in said.items())
        return f"{method} {target} HTTP/1.1\r\n{lines}".encode("latin-1", "replace")

    async def ask(self, head: bytes, body: bytes | None = None) -> Response:
        """The response, once its status is there; `body` is None for a method that has none.

        A kept connection that the other side has closed meanwhile is replaced once: it has read nothing. One that breaks later is not: work
        may have begun there, and would be paid twice. Raises Unreachable, BrokenOff, NotHttp and TimeoutError, also from the response's
        reading later.
        """
        request = head + b"\r\n" if body is None else b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        await self._places.acquire()
        kept = self._kept()
        if kept is not None:
            loop = asyncio.get_running_loop()
            asked = loop.time()
            try:
                return await self._sent(kept, request)
            except BrokenOff as broken:
                if not broken.unheard or self._closed or loop.time() - asked > STALE_WITHIN_S:
                    raise
            await self._places.acquire()
        try:
            link = await connect(self._site)
        except BaseException:
            self._places.release()
            raise
        return await self._sent(link, request)

    async def close(self) -> None:
        """Let connections go, those in use too, and keep none that is made later. Idempotent."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for each in (*self._idle, *self._busy):
            each.abort()
        self._idle.clear()

    async def _sent(self, link: Link, request: bytes) -> Response:
        """The response on this link. The place at it is taken, and given back when the response is closed."""
        self._busy.add(link)
        response = link.send(request, self._let_go)
        response.limit(self._within)
        try:
            await response.head()
        except BaseException:
            response.close()
            raise
        return response

    def _kept(self) -> Link | None:
        """The connection that was used last, if one is open."""
        while self._idle:
            link = self._idle.pop()
            if link.open:
                return link
        return None

    def _let_go(self, link: Link) -> None:
        self._busy.discard(link)
        self._places.release()
        if not link.open:
            return
        if not self._keeps or self._closed:
            link.abort()
            return
        loop = asyncio.get_running_loop()
        link.idle_since = loop.time()
        self._idle.append(link)
        if self._sweeping is None:
            self._sweeping = loop.call_later(IDLE_S, self._sweep)

    def _sweep(self) -> None:
        """Hang up what was not used for a while; look again as long as anything is kept."""
        loop = asyncio.get_running_loop()
        old = loop.time() - IDLE_S
        for each in self._idle:
            if each.idle_since <= old:
                each.abort()
        self._idle = [each for each in self._idle if each.open]
        self._sweeping = loop.call_later(IDLE_S, self._sweep) if self._idle else None
