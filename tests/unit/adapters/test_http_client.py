"""The HTTP client against servers that do as they are told: how a response may come, end and fail, and what becomes of its connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.http import client as driver
from headrace.adapters.http import reach
from headrace.adapters.http.client import Client
from headrace.adapters.http.faults import BrokenOff, NotHttp, Unreachable
from headrace.adapters.http.link import LARGEST_HEAD, MOST_UNREAD
from headrace.adapters.http.reach import Site
from tests.providers.scripted import OK, WHOLE, says, serving
from tests.providers.waiting import until
from tests.support.exchanges import client_of, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.providers.scripted import Script

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;note=x\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n"


async def answered(answer: Script) -> tuple[int, bytes]:
    async with serving(answer) as server, client_of(server.url) as client:
        return await fetch(client)


@pytest.mark.parametrize(
    ("sent", "then"),
    [
        (WHOLE, ""),
        (CHUNKED, ""),
        (OK + b"\r\nhello", "close"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", "close"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + WHOLE, ""),
    ],
)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_however_a_response_is_framed_and_cut_it_is_the_same(sent: bytes, then: str, cut: str) -> None:
    pieces = [sent] if cut == "whole" else [sent[at : at + 1] for at in range(len(sent))]
    assert await answered(says(*pieces, then=then)) == (200, b"hello")


async def test_a_request_is_sent_as_it_was_asked_for() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        await fetch(client, b'{"a": 1}')
        host = server.url.removeprefix("http://").encode()
        assert server.requests == [b"POST /v1/x HTTP/1.1\r\nHost: " + host + b'\r\nX-A: b\r\nContent-Length: 8\r\n\r\n{"a": 1}']


async def test_no_value_of_a_header_can_end_its_line() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        head = client.head("POST", "/", {"Authorization": "Bearer sk-1\r\nX-Evil: 1\n"})
        (await client.ask(head, b"")).close()
        assert b"Bearer sk-1  X-Evil: 1\r\n" in server.requests[0]


async def test_a_method_without_a_body_tells_no_length() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        (await client.ask(client.head("GET", "/keys", {}))).close()
    assert server.requests[0].startswith(b"GET /keys HTTP/1.1\r\n")
    assert b"content-length" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b/\u00e9?q=\u20ac#x", b"/a%20b/%C3%A9?q=%E2%82%AC%23x"),
        ("/a HTTP/1.1\r\nX-Evil: 1\r\n", b"/a%20HTTP/1.1%0D%0AX-Evil:%201%0D%0A"),
        ("/v1/models/a%2Fb?x=1&y=[2]", b"/v1/models/a%2Fb?x=1&y=[2]"),
    ],
)
async def test_a_path_is_one_line_whatever_it_holds(path: str, sent: bytes) -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        (await client.ask(client.head("GET", path, {}))).close()
    assert server.requests[0].splitlines()[0] == b"GET " + sent + b" HTTP/1.1"


async def test_headers_are_found_however_they_are_written() -> None:
    async with serving(says(OK + b"RETRY-after: 7\r\nContent-Length: 0\r\n\r\n")) as server, client_of(server.url) as client:
        response = await client.ask(client.head("GET", "/", {}), b"")
        assert (response.header("Retry-After"), response.header("Other")) == ("7", "")
        response.close()


async def test_connections_are_used_again_until_one_side_says_otherwise() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        for _ in range(3):
            await fetch(client)
        assert (server.connections, len(server.requests)) == (1, 3)
    said = OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
    async with serving(says(said)) as server, client_of(server.url) as client:
        for _ in range(3):
            await fetch(client)
        assert server.connections == 3


async def test_what_was_not_asked_for_is_not_read_and_ends_the_connection() -> None:
    """Otherwise it would be taken for the next request's answer."""
    async with serving(says(WHOLE + OK + b"Content-Length: 4\r\n\r\nevil")) as server, client_of(server.url) as client:
        for _ in range(2):
            assert await fetch(client) == (200, b"hello")
        assert server.connections == 2
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        assert await response.read() == b"hello"
        link = response._link
        response.close()
        link.data_received(OK + b"Content-Length: 4\r\n\r\nevil")
        assert await fetch(client) == (200, b"hello")
        assert server.connections == 2


async def test_a_stale_connection_is_replaced_and_a_fresh_one_that_breaks_is_not() -> None:
    async def once(writer: asyncio.StreamWriter, number: int) -> None:
        if number % 2:
            writer.write(WHOLE)
        else:
            writer.close()

    async with serving(once) as server, client_of(server.url) as client:
        assert [await fetch(client) for _ in range(3)] == [(200, b"hello")] * 3
        assert (server.connections, len(server.requests)) == (3, 5)
    async with serving(says(then="close")) as server, client_of(server.url) as client:
        with pytest.raises(BrokenOff) as broken:
            await fetch(client)
        assert broken.value.unheard
        assert len(server.requests) == 1


async def test_a_kept_connection_that_breaks_when_work_may_have_begun_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "STALE_WITHIN_S", 0.01)

    async def late(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            writer.write(WHOLE)
        else:
            await asyncio.sleep(0.1)
            writer.close()

    async with serving(late) as server, client_of(server.url) as client:
        await fetch(client)
        with pytest.raises(BrokenOff):
            await fetch(client)
        assert len(server.requests) == 2


async def test_a_kept_connection_that_breaks_after_the_first_byte_is_not_asked_twice() -> None:
    async def first_well(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(WHOLE if number == 1 else b"HTTP/1.1 2")
        if number > 1:
            writer.close()

    async with serving(first_well) as server, client_of(server.url) as client:
        await fetch(client)
        with pytest.raises(BrokenOff):
            await fetch(client)
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("sent", "then", "kind"),
    [
        (OK + b"Content-Length: 9\r\n\r\nhello", "close", BrokenOff),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "close", BrokenOff),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close", BrokenOff),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "", NotHttp),
        (b"HTTP/1.1 200", "close", BrokenOff),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "", NotHttp),
        (b"\x16\x03\x01\x00", "", NotHttp),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "", NotHttp),
        (OK + b"X: " + b"y" * (LARGEST_HEAD + 1), "", NotHttp),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 4000, "", NotHttp),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "", NotHttp),
        (OK + b"Content-Length: -5\r\n\r\nhello", "", NotHttp),
        (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "", NotHttp),
        (b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "", NotHttp),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * (2 * MOST_UNREAD), "", NotHttp),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * (MOST_UNREAD // 3), "", NotHttp),
    ],
)
async def test_every_break_and_all_garbage_is_told(sent: bytes, then: str, kind: type[Exception]) -> None:
    async with serving(says(sent, then=then)) as server, client_of(server.url) as client:
        with pytest.raises(kind):
            await fetch(client)
        await until(lambda: server.open == 0)


async def test_a_body_without_a_length_that_is_torn_off_is_not_whole() -> None:
    with pytest.raises(BrokenOff):
        await answered(says(OK + b"\r\nhello", then="abort"))


async def test_what_came_before_a_break_can_be_read() -> None:
    async with serving(says(OK + b"Content-Length: 9\r\n\r\nhello", then="close")) as server, client_of(server.url) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        assert await response.read() == b"hello"
        with pytest.raises(BrokenOff) as broken:
            await response.read()
        assert not broken.value.unheard
        response.close()


@pytest.mark.parametrize("sent", [b"", OK, OK + b"Content-Length: 9\r\n\r\nhello"])
async def test_who_stalls_is_let_go_when_the_time_is_over(sent: bytes) -> None:
    async with serving(says(sent)) as server, client_of(server.url, within=0.05) as client:
        with pytest.raises(TimeoutError):
            await fetch(client)
        await until(lambda: server.open == 0)


async def test_who_does_not_take_a_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "CONNECT_WITHIN", 0.05)
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        async with client_of(f"http://127.0.0.1:{full.getsockname()[1]}", connections=1) as client:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await fetch(client)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nowhere.invalid", f"http://{'x' * 70}.invalid"])
async def test_who_is_not_there_is_unreachable(url: str) -> None:
    async with client_of(url, connections=1) as client:
        for _ in range(2):  # the place of a failed attempt is free again
            with pytest.raises(Unreachable):
                await fetch(client)


async def test_closing_early_and_being_cancelled_end_the_exchange_upstream() -> None:
    async with serving(says(OK + b"Content-Length: 9\r\n\r\nhello")) as server, client_of(server.url, connections=1) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        response.close()
        response.close()
        await until(lambda: server.open == 0)
        reading = asyncio.create_task(fetch(client))
        await until(lambda: server.open == 1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(lambda: server.open == 0)
    async with serving(says()) as server, client_of(server.url, connections=1) as client:
        asking = asyncio.create_task(fetch(client))
        await until(lambda: len(server.requests) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: server.open == 0)


async def test_no_more_exchanges_at_once_than_there_are_places() -> None:
    most = 0

    async def slow(writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal most
        del number
        most = max(most, server.open)
        await asyncio.sleep(0.005)
        writer.write(WHOLE)

    async with serving(slow) as server, client_of(server.url, connections=2) as client:
        assert await asyncio.gather(*(fetch(client) for _ in range(10))) == [(200, b"hello")] * 10
        assert (most, server.connections) == (2, 2)


async def test_a_client_that_closes_ends_what_is_under_way() -> None:
    async with serving(says(OK + b"\r\nhello")) as server, client_of(server.url) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        assert await response.read() == b"hello"
        await client.close()
        with pytest.raises(BrokenOff):
            await response.read()
        response.close()
        await client.close()
        await until(lambda: server.open == 0)


async def test_a_client_that_is_closed_while_it_connects_keeps_nothing() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        asking = asyncio.ensure_future(fetch(client))
        await asyncio.sleep(0)
        await client.close()
        assert await asking == (200, b"hello")
        await until(lambda: server.connections == 1 and not server.open)


async def test_unused_connections_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "IDLE_S", 0.02)
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        await asyncio.gather(fetch(client), fetch(client))
        await until(lambda: server.open == 0)
        assert await fetch(client) == (200, b"hello")
        assert server.connections == 3


async def test_who_sends_faster_than_is_read_has_to_wait() -> None:
    size = 64 * MOST_UNREAD
    written = 0

    async def much(writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal written
        del number
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(64):
            writer.write(bytes(MOST_UNREAD))
            written += MOST_UNREAD
            await writer.drain()

    async with serving(much) as server, client_of(server.url) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        for _ in range(200):
            await asyncio.sleep(0)
        assert written < size // 2
        assert len(await response.read_whole(size)) == size
        response.close()


async def test_a_body_beyond_all_measure_is_not_read_to_its_end() -> None:
    async with serving(says(WHOLE)) as server, client_of(server.url) as client:
        response = await client.ask(client.head("POST", "/", {}), b"")
        with pytest.raises(NotHttp):
            await response.read_whole(4)
        response.close()


async def test_a_connection_to_a_unix_socket_is_used_once(tmp_path: Path) -> None:
    path, seen, left = tmp_path / "s.sock", 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen, left
        seen += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE)
        await reader.read()
        writer.close()
        left += 1

    server = await asyncio.start_unix_server(serve, str(path))
    client = Client(Site.of("http://engine/v1", path), connections=1, within=5.0)
    for _ in range(2):
        assert await fetch(client) == (200, b"hello")
    await until(lambda: (seen, left) == (2, 2))
    await client.close()
    server.close()
