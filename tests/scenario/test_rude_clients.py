"""Clients that are slow, broken or gone, against a whole installation: each is told so or dropped, and the log loses nothing by it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.providers.waiting import until
from tests.support.serving import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.installation import Installation

PATH = "/v1/chat/completions"


def request(service: str, **more: object) -> bytes:
    return json.dumps({"model": service, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


@pytest.fixture
def served(installation: Installation) -> Served:
    there = urlsplit(installation.url)
    return Served(str(there.hostname), there.port or 0, lambda: None, lambda: False)


@pytest.fixture(autouse=True)
def nothing_lost(installation: Installation) -> Iterator[None]:
    """After each test: every record that was opened is settled, once, in order, and the installation still answers."""
    before = len(installation.since())
    yield
    records = installation.since(before)
    opened = [each["request"] for each in records if each["kind"] == "opened"]
    closed = [each["request"] for each in records if each["kind"] != "opened"]
    assert len(set(closed)) == len(closed)
    assert set(opened) <= set(closed)
    assert installation.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"model": "on-good", "messages"', "request.invalid_json"),
        (b'{"model": "on-good", "messages": "hi"}', "request.invalid"),
        (request("on-good", temperature="warm"), "request.invalid"),
        (request("on-good", top_k=3), "request.unknown_parameter"),
        (b'{"model": "on-good", "messages": [{"role": "user", "content": "\\ud800"}]}', "request.invalid_text"),
        (b"", "request.invalid_json"),
    ],
)
async def test_what_is_no_request(served: Served, installation: Installation, key: str, body: bytes, code: str) -> None:
    before = len(installation.since())
    response = await served.ask("POST", PATH, body, Authorization=f"Bearer {key}")
    assert (response.status, response.code) == (400, code)
    assert response.json["error"]["headrace"]["mend"]
    assert len(installation.since()) == before, "there was no request"


async def test_a_head_that_trickles_in(served: Served) -> None:
    async with served.wire() as wire:
        began = time.monotonic()
        sending = asyncio.create_task(wire.send(b"POST /v1/chat/completions HTTP/1.1\r\n", *[b"X: 1\r\n"] * 200, pause=0.05))
        response = await wire.response(within=8)
        sending.cancel()
    assert (response.status, response.code) == (408, "request.too_slow")
    assert time.monotonic() - began > 0.9


async def test_a_body_that_trickles_in(served: Served, key: str) -> None:
    async with served.wire() as wire:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: 5000\r\n\r\n".encode()
        sending = asyncio.create_task(wire.send(head, *[b" "] * 200, pause=0.05))
        response = await wire.response(within=8)
        sending.cancel()
    assert (response.status, response.code) == (408, "request.too_slow")


async def test_a_head_without_end(served: Served) -> None:
    async with served.wire() as wire:
        sending = asyncio.create_task(wire.send(b"GET / HTTP/1.1\r\nX: ", *[b"a" * 65_536] * 20))
        response = await wire.response(within=8)
        sending.cancel()
    assert (response.status, response.code) == (431, "request.headers_too_large")


async def test_who_leaves_in_the_middle_of_a_body(served: Served, installation: Installation, key: str) -> None:
    before = len(installation.since())
    async with served.wire() as wire:
        await wire.send(f"POST {PATH} HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Length: 5000\r\n\r\n{{".encode())
    await asyncio.sleep(0.1)
    assert len(installation.since()) == before


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_before_the_first_byte(served: Served, installation: Installation, key: str, *, stream: bool) -> None:
    before = len(installation.since())
    async with served.wire() as wire:
        await wire.request("POST", PATH, request("on-hang", stream=stream), Authorization=f"Bearer {key}")
        await asyncio.sleep(0.2)
    await until(lambda: len(installation.since()) == before + 1)
    (record,) = installation.since(before)
    assert (record["kind"], record["outcome"], record["error"]) == ("settled", "cancelled", "request.cancelled")


async def test_many_who_leave_at_once(served: Served, installation: Installation, key: str) -> None:
    before = len(installation.since())

    async def leave(n: int) -> None:
        async with served.wire() as wire:
            await wire.request("POST", PATH, request("on-slow", stream=True), Authorization=f"Bearer {key}")
            await wire.head()
            await asyncio.sleep(n * 0.01)

    await asyncio.gather(*(leave(n) for n in range(30)))

    def settled() -> bool:
        return sum(each["kind"] == "settled" for each in installation.since(before)) == 30

    await until(settled, within=10)
    outcomes = {each["outcome"] for each in installation.since(before) if each["kind"] == "settled"}
    assert outcomes <= {"cancelled", "answered"}


async def test_a_client_that_reads_slowly_gets_it_all(served: Served, key: str) -> None:
    async with served.wire() as wire:
        await wire.request("POST", PATH, request("on-good", stream=True), Authorization=f"Bearer {key}")
        came = b""
        while b"[DONE]" not in came:
            came += await wire.reader.read(40)
            await asyncio.sleep(0.01)
    assert b"forty" in came
