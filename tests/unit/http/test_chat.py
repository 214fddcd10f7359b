"""The chat endpoint behind the real server: an answer, whole and streamed, and what is told when there is none. Each has its record."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from headrace.evidence.commitment import commit
from headrace.pipeline.rooms import ServiceRules
from tests.providers.openai_server import PIECES
from tests.support.apis import events, text
from tests.support.rooms import MAIL, SECRET

if TYPE_CHECKING:
    from tests.support.apis import Api

GOOD = "".join(PIECES)


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
