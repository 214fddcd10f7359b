"""How a request to the chat endpoint can end but by its answer: strangers, what is no request, clients that leave, a server that stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.app.http.exchange import running, wire
from headrace.core.errors import Unavailable
from tests.providers.openai_server import PIECES
from tests.providers.waiting import until
from tests.support.apis import PATH, events, serving_api
from tests.support.rooms import KEY, SECRET

if TYPE_CHECKING:
    from tests.support.apis import Api

GOOD = "".join(PIECES)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "identity.no_key"),
        ({"Authorization": "Bearer "}, "identity.no_key"),
        ({"Authorization": f"Basic {KEY}"}, "identity.no_key"),
        ({"Authorization": "Bearer hr_unknown"}, "identity.unknown_key"),
        ({"Authorization": "Bearer hr_old"}, "identity.expired_key"),
        ({"Authorization": "Bearer hrs_session"}, "identity.unknown_key"),
        ({"Cookie": f"session={KEY}"}, "identity.no_key"),
    ],
)
async def test_strangers_are_told_so_before_their_body_is_read(api: Api, headers: dict[str, str], code: str) -> None:
    before = await api.size()
    response = await api.served.ask("POST", PATH, b"{this is not JSON", **headers)
    assert (response.status, response.code) == (401, code)
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["x-should-retry"] == "false"
    assert await api.size() == before
    assert api.house.provider.state.asked == 0


async def test_two_keys_are_one_too_many(api: Api) -> None:
    async with api.served.wire() as there:
        await there.send(f"POST {PATH} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nAuthorization: Bearer b\r\n\r\n".encode())
        response = await there.response()
    assert (response.status, response.json["error"]["param"]) == (400, "Authorization")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "request.invalid_json"),
        (b'{"model": "on-good"}', 400, "request.missing"),
        (b'{"model": "on-good", "messages": [{"role": "user", "content": 5}]}', 400, "request.invalid"),
        (b'{"model": "on-good", "messages": [{"role": "user", "content": "x"}], "tools": [1]}', 400, "request.unsupported_parameter"),
        (b'{"model": "on-good", "messages": [{"role": "user", "content": "' + b"x" * 60_000 + b'"}]}', 413, "request.too_large"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_answered(api: Api, body: bytes, status: int, code: str) -> None:
    """There is no request yet, so there is no record; and nothing that was recorded is lost by it."""
    before = await api.size()
    response = await api.served.ask("POST", PATH, body, Authorization=f"Bearer {KEY}")
    assert (response.status, response.code) == (status, code)
    assert response.json["error"]["headrace"]["request"].startswith("req_")
    assert (await api.chat("on-good")).json["headrace"]["receipt"]["sequence"] == before
    assert f'code="{code}"' in await api.metrics()


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("Content-Length: 600", 408, "request.too_slow"),
        ("Content-Length: 60000", 413, "request.too_large"),
        ("Content-Encoding: gzip\r\nContent-Length: 600", 400, "request.encoded"),
    ],
)
async def test_a_body_that_does_not_come_ends_the_connection(api: Api, head: str, status: int, code: str) -> None:
    async with api.served.wire() as there:
        await there.send(f"POST {PATH} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n{head}\r\n\r\n".encode() + b"{")
        response = await there.response()
        assert (response.status, response.code) == (status, code)
        assert response.headers["connection"] == "close"
        there.writer.write_eof()
        assert await there.closed() == b""


async def test_who_leaves_in_the_middle_of_the_body_leaves_nothing(api: Api) -> None:
    before = await api.size()
    async with api.served.wire() as there:
        await there.send(f"POST {PATH} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 600\r\n\r\n{{".encode())
    await until(lambda: api.said('headrace_requests_total{code="",outcome="cancelled",service="none"} 1.0'))
    assert await api.size() == before


async def test_who_leaves_in_mid_stream_ends_the_work_and_the_record_says_so(api: Api) -> None:
    async with api.stream("two") as there:
        _, headers = await there.head()
        async for piece in there.chunks():
            if b"content" in piece:
                break
        assert api.house.provider.state.active == 1
    await until(lambda: api.house.provider.state.active == 0)
    assert api.house.provider.state.cancelled == 1
    await until(lambda: api.settled(headers["x-request-id"]))
    record = await api.house.end(headers["x-request-id"])
    assert (record["outcome"], record["error"]) == ("cancelled", "request.cancelled")
    assert await api.said('headrace_requests_total{code="",outcome="cancelled",service="two"} 1.0')
    assert "headrace_requests_running 0.0" in await api.metrics()


async def test_who_leaves_before_the_answer_ends_the_work_too(api: Api) -> None:
    before = await api.size()
    async with api.served.wire() as there:
        body = {"model": "two", "messages": [{"role": "user", "content": "x"}]}
        await there.request("POST", PATH, body, Authorization=f"Bearer {KEY}")
        await until(lambda: api.house.provider.state.active == 1)
    await until(lambda: api.house.provider.state.active == 0)

    async def recorded() -> bool:
        return await api.size() == before + 1

    await until(recorded)


async def test_who_reads_nothing_is_dropped_and_the_record_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader's buffers are full and the line waits for it: not for ever."""
    monkeypatch.setattr(wire.Sender.__init__, "__defaults__", (0.3,))

    async def clogged(self: Any, content: bytes, *, more: bool, _write: Any = wire.Sender.write) -> None:
        await _write(self, content.replace(b'"content":"', b'"content":"' + b"x" * 1_000_000), more=more)

    monkeypatch.setattr(wire.Sender, "write", clogged)
    async with api.stream("two") as there:
        there.writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
        await until(lambda: api.house.provider.state.cancelled == 1)
        await until(lambda: api.said('headrace_requests_total{code="",outcome="cancelled",service="two"} 1.0'))


async def test_more_than_can_be_served_is_shed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.Answers.__init__, "__defaults__", (1,))
    async with serving_api() as small:
        async with small.stream("two") as first:
            await first.head()
            response = await small.chat("on-good")
        assert (response.status, response.code) == (503, "capacity.overloaded")
        assert response.headers["retry-after"] == "1"
        assert "x-should-retry" not in response.headers


async def test_the_ledger_gone_means_no_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(record: Any) -> Any:
        raise Unavailable(f"No ledger takes {record['kind']}.", code="internal.ledger_unavailable", mend="Try again.")

    monkeypatch.setattr(api.house.ledger, "append", gone)
    response = await api.chat("on-good")
    assert (response.status, response.code) == (503, "internal.ledger_unavailable")
    assert response.headers["retry-after"] == "2"
    assert GOOD not in response.body.decode()
    async with api.stream("on-good") as there:
        assert (await there.response()).status == 503


async def test_a_defect_is_answered_as_one_and_recorded(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def decide(self, principal: object, *what: object) -> Any:
            raise KeyError(SECRET, principal, what)

    api.gateway.house = api.house.with_(policy=Broken())
    response = await api.chat("on-good")
    assert (response.status, response.code) == (500, "internal.error")
    assert SECRET not in response.body.decode()
    assert (await api.house.end(response.json["error"]["headrace"]["request"]))["outcome"] == "failed"
    assert "defect" in caplog.text
    assert SECRET not in caplog.text


async def test_a_defect_outside_the_line_is_answered_as_one(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(credential: str) -> Any:
        raise ZeroDivisionError(credential)

    monkeypatch.setattr(api.gateway, "authenticate", broken)
    response = await api.chat("on-good")
    assert (response.status, response.code) == (500, "internal.error")
    assert KEY not in response.body.decode()
    assert "ZeroDivisionError" in caplog.text


async def test_stopping_cuts_off_what_does_not_end_and_says_so() -> None:
    async with serving_api(drain=0.2) as api:
        async with api.stream("two") as streamed, api.served.wire() as whole:
            body = {"model": "on-hang", "messages": [{"role": "user", "content": "x"}]}
            await whole.request("POST", PATH, body, Authorization=f"Bearer {KEY}")
            _, headers = await streamed.head()
            await until(lambda: api.house.provider.state.active == 2)
            api.served.stop()
            came = b"".join([piece async for piece in streamed.chunks()])
            refused = await whole.response()
        await api.served.over()
        assert events(came)[-1]["error"]["code"] == "internal.stopping"
        assert (refused.status, refused.code) == (503, "internal.stopping")
        assert (await api.house.end(headers["x-request-id"]))["outcome"] == "cancelled"
        assert (await api.house.end(refused.json["error"]["headrace"]["request"]))["outcome"] == "cancelled"
