"""The chat endpoint behind the real server, over the real line, ledger and a provider that can misbehave: every end has its record."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from headrace.app.http import chat, running, wire
from headrace.app.http.application import build
from headrace.config.model import Limits
from headrace.core.errors import Unavailable
from headrace.evidence.commitment import commit
from headrace.pipeline.rooms import ServiceRules
from tests.providers.openai_server import PIECES
from tests.providers.waiting import until
from tests.rooms import KEY, MAIL, SECRET, house
from tests.serving import HouseGateway, Served, Wire, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.rooms import House
    from tests.serving import Response

PATH = chat.PATH
GOOD = "".join(PIECES)
LIMITS = Limits.model_validate({"body": "50 KB", "body within": "400 ms"})


@dataclass
class Api:
    """The whole application, served."""

    served: Served
    house: House
    gateway: HouseGateway

    async def chat(self, service: str, text: str = "hi", *, key: str = KEY, **more: object) -> Response:
        body = {"model": service, "messages": [{"role": "user", "content": text}], **more}
        return await self.served.ask("POST", PATH, body, Authorization=f"Bearer {key}")

    @contextlib.asynccontextmanager
    async def stream(self, service: str, text: str = "hi", **more: object) -> AsyncGenerator[Wire]:
        async with self.served.wire() as there:
            body = {"model": service, "messages": [{"role": "user", "content": text}], "stream": True, **more}
            await there.request("POST", PATH, body, Authorization=f"Bearer {KEY}")
            yield there

    async def metrics(self) -> str:
        return (await self.served.ask("GET", "/metrics")).body.decode()

    async def size(self) -> int:
        """Records in the log."""
        return await self.house.ledger.ready()


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    async with house() as built:
        gateway = HouseGateway(built, LIMITS)
        async with serving(build(gateway)) as served:
            yield Api(served, built, gateway)


def events(body: bytes) -> list[Any]:
    """The events of a stream, parsed; ``[DONE]`` stays a string."""
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line]
    return [line.decode() if line == b"[DONE]" else json.loads(line) for line in lines]


def text(events: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for event in events if "choices" in event for choice in event["choices"])


async def test_a_whole_answer_and_its_record(api: Api) -> None:
    response = await api.chat("on-good")
    answer = response.json
    ours = answer["headrace"]
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == answer["id"] == ours["request"]
    assert response.headers["cache-control"] == "no-store"
    assert (answer["object"], answer["model"], answer["system_fingerprint"]) == ("chat.completion", "on-good", ours["revision"])
    assert answer["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": GOOD, "refusal": None}, "finish_reason": "stop", "logprobs": None}
    ]
    assert answer["usage"] == {
        "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 0},
    }  # fmt: skip
    assert (ours["mode"], ours["route"], ours["decision"]["allowed"]) == ("generate", {"deployment": "good", "considered": 1}, True)
    assert ours["usage"]["cost"] == {"amount": "0.0000084", "currency": "EUR"}
    record = await api.house.end(ours["request"])
    assert (record["outcome"], record["service"]) == ("answered", "on-good")
    salt = bytes.fromhex(ours["receipt"]["salts"]["answer"])
    assert record["commitments"] == {**record["commitments"], "answer": commit(salt, GOOD)}  # pyright: ignore[reportGeneralTypeIssues]


async def test_a_streamed_answer_and_its_records(api: Api) -> None:
    async with api.stream("two", stream_options={"include_usage": True}) as there:
        status, headers = await there.head()
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        chunks = [piece async for piece in there.chunks()]
    found = events(b"".join(chunks))
    assert len(chunks) > 5, "it comes piece by piece"
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text(found) == GOOD
    assert found[-1] == "[DONE]"
    assert found[-2]["choices"] == []
    assert found[-2]["usage"]["completion_tokens"] == 9
    assert found[-3]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]
    assert all(event["usage"] is None for event in found[:-2])
    ours = found[-2]["headrace"]
    assert headers["x-request-id"] == ours["request"] == found[0]["id"]
    records = await api.house.records(ours["request"])
    assert [record["kind"] for record in records] == ["opened", "settled"]


async def test_the_last_event_has_our_object_also_without_usage(api: Api) -> None:
    async with api.stream("on-good") as there:
        found = events((await there.response()).body)
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    assert found[-2]["headrace"]["mode"] == "generate"
    assert "usage" not in found[-2]
    assert not any("headrace" in event for event in found[:-2])


async def test_the_first_event_waits_for_the_opened_record(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger commits late: not a byte of the answer is on the wire before."""
    append, committed = api.house.ledger.append, asyncio.Event()

    async def late(record: Any) -> Any:
        await committed.wait()
        return await append(record)

    monkeypatch.setattr(api.house.ledger, "append", late)
    async with api.stream("on-good") as there:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await there.reader.readexactly(1)
        committed.set()
        assert (await there.response()).status == 200


@pytest.mark.parametrize(
    ("service", "status", "code", "outcome"),
    [
        ("on-500", 502, "upstream.failed", "failed"),
        ("on-drop", 502, "upstream.broken", "failed"),
        ("on-garbage", 502, "upstream.garbage", "failed"),
        ("on-cut", 502, "upstream.truncated", "failed"),
        ("on-504", 504, "upstream.timeout", "failed"),
        ("on-too-long", 400, "request.prompt_too_long", "refused"),
        ("extract", 400, "request.schema_needed", "refused"),
        ("nowhere", 404, "request.unknown_model", "refused"),
    ],
)
async def test_a_failure_before_the_answer_is_a_status_and_a_record(api: Api, service: str, status: int, code: str, outcome: str) -> None:
    response = await api.chat(service)
    error = response.json["error"]
    assert (response.status, error["code"]) == (status, code)
    assert error["headrace"]["mend"]
    assert response.headers["x-request-id"] == error["headrace"]["request"]
    record = await api.house.end(error["headrace"]["request"])
    assert (record["outcome"], record["error"]) == (outcome, code)
    assert error["headrace"]["receipt"]["sequence"] == await api.size() - 1
    assert (response.headers.get("x-should-retry") == "false") is (status < 500)
    assert "SECRET" not in response.body.decode()


@pytest.mark.parametrize("service", ["on-500", "on-garbage", "on-too-long"])
async def test_a_failure_before_the_first_text_of_a_stream_is_a_plain_status(api: Api, service: str) -> None:
    async with api.stream(service) as there:
        response = await there.response()
    assert response.status >= 400
    assert response.headers["content-type"] == "application/json"
    assert [each["kind"] for each in await api.house.records(response.json["error"]["headrace"]["request"])] == ["settled"]


@pytest.mark.parametrize(
    ("service", "code"), [("on-cut", "upstream.truncated"), ("on-fault", "upstream.failed"), ("on-broken", "upstream.garbage")]
)
async def test_a_failure_in_mid_stream_is_an_event_and_no_done(api: Api, service: str, code: str) -> None:
    rules = api.house.rooms.rules
    assert isinstance(rules, dict)
    rules[service] = ServiceRules((), (), (), None)  # a guard would hold back all that comes before the failure
    async with api.stream(service) as there:
        response = await there.response()
    assert response.status == 200
    found = events(response.body)
    assert text(found)
    assert found[-1]["error"]["code"] == code
    assert "[DONE]" not in found
    record = await api.house.end(found[-1]["error"]["headrace"]["request"])
    assert (record["outcome"], record["error"]) == ("failed", code)


async def test_a_refused_prompt_says_what_and_where_but_not_the_text(api: Api) -> None:
    response = await api.chat("on-good", f"my key is {SECRET}, keep it")
    error = response.json["error"]
    assert (response.status, error["type"], error["code"], error["param"]) == (403, "permission_error", "guard.secrets", "messages[0]")
    (found,) = error["headrace"]["findings"]
    assert (found["guard"], found["kind"], found["start"], found["end"]) == ("secrets", "aws_access_key_id", 10, 10 + len(SECRET))
    assert SECRET not in response.body.decode()
    assert (await api.house.end(error["headrace"]["request"]))["outcome"] == "refused"
    assert api.house.provider.state.asked == 0


async def test_a_masked_prompt_comes_back_unmasked(api: Api) -> None:
    response = await api.chat("told", f"write to {MAIL} please")
    assert response.json["choices"][0]["message"]["content"] == f"write to {MAIL} please"
    assert MAIL not in json.dumps(api.house.provider.state.last)
    assert {each["action"] for each in response.json["headrace"]["findings"]} == {"mask"}


async def test_a_denied_service(api: Api) -> None:
    api.gateway.house = api.house.forbidding(("ask", "on-good"))
    response = await api.chat("on-good")
    error = response.json["error"]
    assert (response.status, error["code"], error["param"]) == (403, "policy.denied", "model")
    assert error["headrace"]["policies"] == ["no/1"]
    assert "Only the board may." in error["message"]
    assert (await api.house.end(error["headrace"]["request"]))["error"] == "policy.denied"


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
    await until(lambda: _said(api, 'headrace_requests_total{code="",outcome="cancelled",service="none"} 1.0'))
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
    await until(lambda: _settled(api, headers["x-request-id"]))
    record = await api.house.end(headers["x-request-id"])
    assert (record["outcome"], record["error"]) == ("cancelled", "request.cancelled")
    assert await _said(api, 'headrace_requests_total{code="",outcome="cancelled",service="two"} 1.0')
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
        await until(lambda: _said(api, 'headrace_requests_total{code="",outcome="cancelled",service="two"} 1.0'))


async def test_more_than_can_be_served_is_shed_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    del api
    async with house() as built:
        gateway = HouseGateway(built)
        monkeypatch.setattr(running.Answers.__init__, "__defaults__", (1,))
        async with serving(build(gateway)) as served:
            small = Api(served, built, gateway)
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
    async with house() as built:
        gateway = HouseGateway(built)
        async with serving(build(gateway), drain=0.2) as served:
            api = Api(served, built, gateway)
            async with api.stream("two") as streamed, api.served.wire() as whole:
                await whole.request(
                    "POST", PATH, {"model": "on-hang", "messages": [{"role": "user", "content": "x"}]}, Authorization=f"Bearer {KEY}"
                )
                _, headers = await streamed.head()
                await until(lambda: built.provider.state.active == 2)
                served.stop()
                body = b"".join([piece async for piece in streamed.chunks()])
                refused = await whole.response()
            await served.over()
            assert events(body)[-1]["error"]["code"] == "internal.stopping"
            assert (refused.status, refused.code) == (503, "internal.stopping")
            assert (await built.end(headers["x-request-id"]))["outcome"] == "cancelled"
            assert (await built.end(refused.json["error"]["headrace"]["request"]))["outcome"] == "cancelled"


async def _said(api: Api, words: str) -> bool:
    return words in await api.metrics()


async def _settled(api: Api, request: str) -> bool:
    return any(record["kind"] == "settled" for record in await api.house.records(request))
