"""A connection has bounds: nobody holds it for nothing, and everybody is told why it ended."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from headrace.app.http.exchange.wire import Sender, header, read_body
from headrace.app.http.server import connection
from headrace.app.http.server import server as server_module
from headrace.app.http.server.connection import LARGEST_HEAD, LONGEST_TARGET, MOST_HEADERS
from headrace.config.model import Limits
from headrace.core.errors import HeadraceError
from tests.support.serving import LOOPS, Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

LIMITS = Limits.model_validate({"headers within": "300 ms", "body within": "500 ms", "body": "100 KB"})
BIG = b"x" * (4 << 20)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo the body; or what the path says."""
    sender = Sender(scope, send)
    try:
        if scope["path"] == "/early":
            raise HeadraceError("No.")
        if scope["path"] == "/plain":
            await sender.whole(200, b'"plain"', ())
            return
        body = await read_body(scope, receive, LIMITS)
        if scope["path"] == "/late":
            await asyncio.sleep(0.4)
        if scope["path"] == "/big":
            await sender.start(200, [(b"content-length", str(len(BIG)).encode())])
            await sender.write(BIG, more=False)
            return
        seen = {"path": scope["path"], "body": len(body), "start": body[:8].decode(), "trailer": header(scope, b"x-trailer")}
        await sender.whole(200, json.dumps(seen).encode(), ())
    except HeadraceError as error:
        await sender.error(error)


@pytest.fixture(params=list(LOOPS))
async def served(request: pytest.FixtureRequest) -> AsyncGenerator[Served]:
    async with serving(application, LIMITS, loop=LOOPS[request.param]) as running:
        yield running


async def test_requests_follow_each_other_on_one_connection(served: Served) -> None:
    async with served.wire() as wire:
        for size in (0, 1, 90_000):
            await wire.request("POST", "/echo", b"x" * size)
            response = await wire.response()
            assert response.json["body"] == size
            assert "server" not in response.headers
            assert response.headers["date"].endswith("GMT")


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(50)))
        for n in range(50):
            assert (await wire.response()).json["path"] == f"/{n}"


async def test_a_head_that_trickles_in_is_ended_in_time(served: Served) -> None:
    async with served.wire() as wire:
        began = time.monotonic()
        sending = asyncio.create_task(wire.send(b"POST /echo HTTP/1.1\r\n", *[b"X: 1\r\n"] * 100, pause=0.02))
        response = await wire.response()
        took = time.monotonic() - began
        sending.cancel()
    assert (response.status, response.code) == (408, "request.too_slow")
    assert "0.3 s" in response.json["error"]["message"]
    assert response.headers["connection"] == "close"
    assert 0.25 < took < 2


async def test_a_client_that_says_nothing_is_let_go(served: Served) -> None:
    async with served.wire() as wire:
        assert await wire.closed(within=2) == b""


async def test_line_ends_do_not_keep_a_connection(served: Served) -> None:
    async with served.wire() as wire:
        await wire.request("GET", "/echo")
        await wire.response()
        sending = asyncio.create_task(wire.send(*[b"\r\n"] * 200, pause=0.02))
        assert await wire.closed(within=2) == b""
        sending.cancel()
        with pytest.raises((OSError, asyncio.CancelledError)):
            await sending


async def test_a_whole_request_may_take_longer_than_its_head(served: Served) -> None:
    async with served.wire() as wire:
        await wire.request("GET", "/late")
        assert (await wire.response()).status == 200
        await wire.request("GET", "/late")
        assert (await wire.response()).status == 200


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET /" + b"a" * LONGEST_TARGET + b" HTTP/1.1\r\n\r\n", 414, "request.target_too_long"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * LARGEST_HEAD + b"\r\n\r\n", 431, "request.headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * (MOST_HEADERS + 1) + b"\r\n", 431, "request.headers_too_large"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000, 431, "request.headers_too_large"),
        (b"GET /" + b"a" * 1_000_000, 431, "request.headers_too_large"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "request.not_http"),
        (b"HELO mail.example\r\n\r\n", 400, "request.not_http"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400, "request.not_http"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "request.not_http"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "request.not_http"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "request.not_http"),
    ],
)
async def test_a_bad_head_is_answered_in_our_shape(served: Served, head: bytes, status: int, code: str) -> None:
    async with served.wire() as wire:
        sending = asyncio.create_task(wire.send(head))
        response = await wire.response()
        assert (response.status, response.code) == (status, code)
        assert response.json["error"]["headrace"]["mend"]
        assert response.headers["connection"] == "close"
        assert await wire.closed() == b""
        sending.cancel()


async def test_a_large_head_fits_up_to_its_bound(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"GET /" + b"a" * (LONGEST_TARGET - 1) + b" HTTP/1.1\r\nX: " + b"a" * (LARGEST_HEAD - 1) + b"\r\n\r\n")
        assert (await wire.response()).status == 200


async def test_garbage_behind_a_request_does_not_take_its_answer(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n\x00garbage")
        response = await wire.response()
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert await wire.closed() == b""


async def test_a_body_that_is_too_large_is_answered_while_it_is_still_being_sent(served: Served) -> None:
    async with served.wire() as wire:
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"
        sending = asyncio.create_task(wire.send(head, *[b"x" * 100_000] * 30))
        response = await wire.response()
        assert (response.status, response.code) == (413, "request.too_large")
        assert response.headers["connection"] == "close"
        await sending
        assert await wire.closed() == b""


async def test_a_chunked_body_is_counted_as_it_comes(served: Served) -> None:
    async with served.wire() as wire:
        sending = asyncio.create_task(
            wire.send(b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 100)
        )
        response = await wire.response()
        assert (response.status, response.code) == (413, "request.too_large")
        sending.cancel()


async def test_a_body_that_trickles_in_is_ended_in_time(served: Served) -> None:
    async with served.wire() as wire:
        sending = asyncio.create_task(wire.send(b"POST /echo HTTP/1.1\r\nContent-Length: 900\r\n\r\n", *[b"x"] * 900, pause=0.02))
        response = await wire.response()
        assert (response.status, response.code) == (408, "request.too_slow")
        sending.cancel()
        assert await wire.closed() == b""


async def test_endless_trailers_end_the_connection(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: ")
        sending = asyncio.create_task(wire.send(*[b"a" * 65_536] * 40))
        response = await wire.response()
        assert (response.status, response.code) == (431, "request.headers_too_large")
        sending.cancel()


async def test_trailers_are_passed_over(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert (await wire.response()).json == {"path": "/echo", "body": 2, "start": "ab", "trailer": ""}
        await wire.request("GET", "/again")
        assert (await wire.response()).json["path"] == "/again"


async def test_an_answer_before_the_body_is_read_ends_the_connection_and_is_read(served: Served) -> None:
    for path, status in (("/early", 500), ("/plain", 200)):
        async with served.wire() as wire:
            head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n".encode()
            sending = asyncio.create_task(wire.send(head, *[b"x" * 100_000] * 50))
            response = await wire.response()
            assert response.status == status
            assert (response.headers.get("connection") == "close") is (path == "/early")
            await sending
            assert await wire.closed() == b""


async def test_who_goes_on_sending_after_the_answer_is_dropped(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGERS_S", 0.3)
    async with served.wire() as wire:
        await wire.send(b"POST /early HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n")
        await wire.response()
        began = time.monotonic()
        with pytest.raises(OSError, match=r"reset|broken|Broken|closed|lost"):
            await wire.send(*[b"x" * 1000] * 1000, pause=0.01)
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("cut", [0, 3, 11])
async def test_an_offer_to_upgrade_is_passed_over_and_its_body_read(served: Served, cut: int) -> None:
    """The JDK's HTTP client offers HTTP/2 with every first request, bodies included."""
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"
    whole = head + b"Content-Length: 11\r\n\r\n" + b"hello there"
    async with served.wire() as wire:
        await wire.send(whole[: len(whole) - cut], whole[len(whole) - cut :], pause=0.02)
        assert (await wire.response()).json["start"] == "hello th"
        await wire.send(whole + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await wire.response()).json["body"] == 11
        assert (await wire.response()).json["path"] == "/next"
        await wire.send(head + b"\r\n" + head + b"\r\n")
        assert (await wire.response()).json["body"] == 0
        assert (await wire.response()).json["body"] == 0


async def test_an_offer_to_upgrade_with_a_chunked_body_is_refused(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(
            b"POST /echo HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        )
        response = await wire.response()
        assert (response.status, response.code) == (400, "request.upgrade")


async def test_expect_continue_is_answered_only_by_who_reads(served: Served) -> None:
    async with served.wire() as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert (await wire.head())[0] == 100
        await wire.send(b"ab")
        assert (await wire.response()).json["body"] == 2
    async with served.wire() as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 200000\r\n\r\n")
        assert (await wire.response()).status == 413


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
async def test_a_client_that_never_reads_its_answer_is_dropped(more: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer waits in the connection's buffer; the connection does not wait for ever."""
    monkeypatch.setattr(connection, "READER_STALLS_S", 0.2)
    monkeypatch.setattr(server_module, "KEEP_ALIVE_S", 0.2)
    async with serving(application, LIMITS, loop=LOOPS["uvloop"]) as short, short.wire() as wire:
        wire.reader._limit = 1
        await wire.send(b"GET /big HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n")
        await asyncio.sleep(0.6)
        with pytest.raises(OSError, match=r"reset|lost|Broken|broken"):
            await wire.send(*[b"x" * 1000] * 50, pause=0.01)


async def test_an_unused_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEP_ALIVE_S", 0.4)
    async with serving(application, LIMITS, loop=LOOPS["uvloop"]) as short, short.wire() as wire:
        await wire.request("GET", "/")
        await wire.response()
        began = time.monotonic()
        assert await wire.closed(within=3) == b""
        assert time.monotonic() - began > 0.3


async def test_connections_have_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "most_connections", lambda: 2)
    async with serving(application, LIMITS, loop=LOOPS["uvloop"]) as small, small.wire() as first, small.wire():
        await first.request("GET", "/")
        assert (await first.response()).status == 200
        async with small.wire() as third:
            response = await third.response()
            assert (response.status, response.code) == (503, "capacity.overloaded")
            assert response.headers["retry-after"] == "1"
            assert await third.closed() == b""
