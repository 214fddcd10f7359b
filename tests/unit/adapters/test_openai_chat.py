"""The OpenAI dialect over the wire: how each fault of a provider or an engine is called, and what is never passed on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.models import faults
from headrace.adapters.models import openai as driver
from headrace.adapters.models.openai import Endpoint, OpenAIChat
from headrace.core.errors import BadRequest, HeadraceError, PromptTooLong, Unavailable, UpstreamFailed, UpstreamTimeout
from headrace.core.events import Finished
from headrace.core.values import FinishReason, JsonSchema, Sampling, Usage
from headrace.testing.chat_model import PERSON, collect, prompt, text_of, usage_of
from tests.providers.openai_server import PIECES, Connection, State, provider, whole
from tests.providers.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from tests.providers.openai_server import Provider

QUESTION = prompt("What is it?")
ANSWER = "".join(PIECES)


@pytest.fixture
async def serving() -> AsyncGenerator[Provider]:
    async with provider() as running:
        yield running


@contextlib.asynccontextmanager
async def chat(serving: Provider, model: str, **endpoint: object) -> AsyncGenerator[OpenAIChat]:
    made = OpenAIChat(Endpoint(f"{serving.url}/v1/", **endpoint), model)  # pyright: ignore[reportArgumentType]
    try:
        yield made
    finally:
        await made.close()


async def failure(serving: Provider, model: str, **endpoint: object) -> HeadraceError:
    async with chat(serving, model, **endpoint) as asked:
        with pytest.raises(HeadraceError) as raised:
            await collect(asked, QUESTION)
    assert "SECRET" not in f"{raised.value} {raised.value.facts}"
    return raised.value


@pytest.mark.parametrize(
    ("model", "kind", "code"),
    [
        ("401", UpstreamFailed, "upstream.unauthorized"),
        ("404", UpstreamFailed, "upstream.not_found"),
        ("429", UpstreamFailed, "upstream.rate_limited"),
        ("500", UpstreamFailed, "upstream.failed"),
        ("503", UpstreamFailed, "upstream.failed"),
        ("504", UpstreamTimeout, "upstream.timeout"),
        ("too-long", PromptTooLong, "request.prompt_too_long"),
        ("refuse", BadRequest, "request.refused_upstream"),
        ("mute", BadRequest, "request.refused_upstream"),
        ("redirect", UpstreamFailed, "upstream.failed"),
        ("drop", UpstreamFailed, "upstream.broken"),
        ("garbage", UpstreamFailed, "upstream.garbage"),
        ("endless", UpstreamFailed, "upstream.garbage"),
        ("broken", UpstreamFailed, "upstream.garbage"),
        ("cut", UpstreamFailed, "upstream.truncated"),
        ("unfinished", UpstreamFailed, "upstream.truncated"),
        ("fault", UpstreamFailed, "upstream.failed"),
    ],
)
async def test_every_fault_has_a_name(serving: Provider, model: str, kind: type[HeadraceError], code: str) -> None:
    error = await failure(serving, model)
    assert (type(error), error.code) == (kind, code)
    assert error.mend


async def test_facts_that_help_come_along(serving: Provider) -> None:
    assert (await failure(serving, "429")).facts == {"retry_after_s": 7}
    assert faults.of_status(429, b"", "9" * 5000).facts == {}
    assert (await failure(serving, "500")).facts == {"status": 500}
    assert (await failure(serving, "too-long")).facts == {"prompt_tokens": 9001, "answer_tokens": None, "context_tokens": 8192}


@pytest.mark.parametrize(("model", "said"), [("hang", "did not answer in time"), ("stall", "did not finish its answer in time")])
async def test_a_provider_that_takes_too_long(serving: Provider, model: str, said: str) -> None:
    error = await failure(serving, model, answer_within=0.2)
    assert isinstance(error, UpstreamTimeout)
    assert said in error.message
    await until(lambda: serving.state.active == 0)


async def test_a_provider_that_is_not_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        asked = OpenAIChat(Endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"), "x")
        with pytest.raises(UpstreamFailed) as raised:
            await collect(asked, QUESTION)
        await asked.close()
    assert raised.value.code == "upstream.unreachable"


async def test_an_engine_that_loads_says_so_and_is_no_connection_error(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    asked = OpenAIChat(Endpoint.embedded(path, slots=1), "x")
    with pytest.raises(Unavailable) as loading:
        await asked.count(QUESTION, Sampling())
    assert (loading.value.code, loading.value.message) == ("internal.engine_loading", "The engine still loads its model.")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    for step in (asked.count(QUESTION, Sampling()), collect(asked, QUESTION)):
        with pytest.raises(Unavailable) as ended:
            await step
        assert (ended.value.code, ended.value.message) == ("internal.engine_unavailable", "The engine has ended and is started again.")
    await asked.close()


@contextlib.asynccontextmanager
async def unix(path: Path, answer: Callable[[bytes], bytes]) -> AsyncGenerator[OpenAIChat]:
    """An engine on a Unix socket that answers each request with fixed bytes."""

    class Fixed(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.write(answer(data))

    server = await asyncio.get_running_loop().create_unix_server(Fixed, str(path))
    asked = OpenAIChat(Endpoint.embedded(path, slots=1), "x")
    try:
        yield asked
    finally:
        await asked.close()
        server.close()


async def test_an_engine_counts(tmp_path: Path) -> None:
    async with unix(tmp_path / "e.sock", lambda _: whole(200, {"input_tokens": 17})) as asked:
        assert await asked.count(QUESTION, Sampling()) == 17
    async with unix(tmp_path / "f.sock", lambda _: whole(200, {"tokens": 17})) as asked:
        with pytest.raises(UpstreamFailed) as garbage:
            await asked.count(QUESTION, Sampling())
    async with unix(tmp_path / "g.sock", lambda _: whole(500, {})) as asked:
        with pytest.raises(UpstreamFailed) as failed:
            await asked.count(QUESTION, Sampling())
    assert (garbage.value.code, failed.value.code) == ("upstream.garbage", "upstream.failed")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (
            {"error": {"message": "x", "n_prompt_tokens": 3000, "n_ctx": 2048}},
            PromptTooLong,
            "3000 tokens; the deployment's context holds 2048",
        ),
        ({"error": {"message": "x", "type": "exceed_context_size_error"}}, PromptTooLong, "does not fit the model's context"),
        (
            {"error": {"message": "JSON schema error at #/properties/a: SECRET is not supported"}},
            BadRequest,
            "cannot follow this JSON Schema. It stops at #/properties/a.",
        ),
        ({"error": {"message": "failed to parse grammar"}}, BadRequest, "cannot follow this JSON Schema."),
    ],
)
async def test_what_an_engine_refuses_is_told_with_its_place(
    tmp_path: Path, body: dict[str, object], kind: type[HeadraceError], said: str
) -> None:
    async with unix(tmp_path / "e.sock", lambda _: whole(400, body)) as asked:
        with pytest.raises(kind, match=said) as raised:
            await collect(asked, QUESTION)
    assert "SECRET" not in str(raised.value)


async def test_a_provider_does_not_count(serving: Provider) -> None:
    async with chat(serving, "good") as asked:
        assert await asked.count(QUESTION, Sampling()) is None
    assert serving.state.asked == 0


async def test_what_is_asked_is_what_the_dialect_says(serving: Provider) -> None:
    wanted = Sampling(7, 0.5, 0.9, 3, ("END",), 0.1, 0.2, PERSON)
    async with chat(serving, "obedient", key="sk-1") as asked:
        await collect(asked, QUESTION, wanted)
    assert serving.state.authorization == "Bearer sk-1"
    assert serving.state.last == {
        "model": "obedient", "messages": [{"role": "user", "content": "What is it?"}], "stream": True,
        "stream_options": {"include_usage": True}, "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["END"],
        "presence_penalty": 0.1, "frequency_penalty": 0.2,
        "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON.schema, "strict": True}},
    }  # fmt: skip


async def test_any_json_object_is_asked_for_as_one(serving: Provider) -> None:
    async with chat(serving, "obedient") as asked:
        await collect(asked, QUESTION, Sampling(format=JsonSchema(None)))
    assert serving.state.last["response_format"] == {"type": "json_object"}
    assert "Authorization" not in json.dumps(serving.state.last)
    assert serving.state.authorization == ""


@pytest.mark.parametrize("model", ["good", "finished", "open"])
async def test_an_answer_ends_with_its_finish_however_the_stream_does(serving: Provider, model: str) -> None:
    async with chat(serving, model) as asked:
        events = await collect(asked, QUESTION)
    assert text_of(events) == ANSWER
    assert events[-1] == Finished(FinishReason.STOP)
    report = usage_of(events)
    assert report is not None
    assert report.usage == Usage(20, 0, 9)


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_tokens": -1, "completion_tokens": 9},
        {"prompt_tokens": 20, "completion_tokens": -9},
        {"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": -5}},
        {"prompt_tokens": 10**30, "completion_tokens": 9},
    ],
)
async def test_numbers_that_can_be_no_tokens_are_no_report(serving: Provider, told: dict[str, int]) -> None:
    """They would lower the bill, or break the record; so what is billed is what was seen."""
    serving.state.usage = told
    async with chat(serving, "obedient") as asked:
        events = await collect(asked, QUESTION)
    assert usage_of(events) is None
    assert events[-1] == Finished(FinishReason.STOP)


async def test_connections_are_kept_and_a_stale_one_is_replaced(serving: Provider) -> None:
    async with chat(serving, "good") as asked:
        for _ in range(3):
            await collect(asked, QUESTION)
        assert serving.state.connections == 1
    async with chat(serving, "once") as asked:
        for _ in range(3):
            assert text_of(await collect(asked, QUESTION)) == ANSWER
        assert serving.state.asked == 8, "each kept connection was tried once, and then replaced"


async def test_an_answer_that_is_closed_ends_upstream(serving: Provider) -> None:
    async with chat(serving, "slow") as asked:
        events = asked.generate(QUESTION, Sampling())
        await anext(events)
        assert serving.state.active == 1
        await events.aclose()
        await until(lambda: serving.state.active == 0)
        assert serving.state.cancelled == 1


async def test_what_ends_late_is_let_go(serving: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """After [DONE] the stream stays open: its end is waited for a moment, and then the connection is closed."""
    monkeypatch.setattr(driver, "LINGER", 0.01)
    async with chat(serving, "open") as asked:
        assert text_of(await collect(asked, QUESTION)) == ANSWER
        await until(lambda: serving.state.active == 0)


async def test_the_environments_proxy_is_used_for_providers_and_not_for_engines(
    serving: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", serving.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    beyond = OpenAIChat(Endpoint("http://provider.invalid/v1"), "good")
    assert text_of(await collect(beyond, QUESTION)) == ANSWER
    await beyond.close()
    state = State()
    server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(state), str(tmp_path / "e.sock"))
    near = OpenAIChat(Endpoint.embedded(tmp_path / "e.sock", slots=1), "good")
    assert text_of(await collect(near, QUESTION)) == ANSWER
    assert state.asked == 1
    await near.close()
    server.close()


async def test_a_key_is_not_shown() -> None:
    assert "sk-1" not in repr(Endpoint("http://x/v1", key="sk-1"))
