"""The official SDK, unchanged, against a whole installation: what it asks, and how it takes what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.providers.openai_server import PIECES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

    from tests.support.installation import Installation

GOOD = "".join(PIECES)
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"


def says(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def ours(answer: Any) -> dict[str, Any]:
    """Our object, which the SDK passes through."""
    found = answer.headrace
    assert isinstance(found, dict)
    return found


@pytest.fixture
def client(installation: Installation, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
async def aclient(installation: Installation, key: str) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0, timeout=60) as made:
        yield made


def test_a_question_is_answered_from_the_documents(client: OpenAI, installation: Installation) -> None:
    answer = client.chat.completions.create(model="help", messages=says("How much is the annual fee?"))
    assert str(answer.choices[0].message.content).startswith("The annual fee is 40 francs. [1]")
    said = ours(answer)
    cited = said["citations"][0]
    assert (said["mode"], cited["document"], cited["quote"]) == ("quote", "documents/fees.md", "The annual fee is 40 francs.")
    assert said["route"] == {"deployment": None, "considered": 0}
    assert said["usage"]["cost"]["amount"] == "0"
    assert answer._request_id == answer.id == said["request"]
    record = installation.settled(answer.id)
    assert (record["outcome"], record["service"], record["principal"]) == ("answered", "help", "ana")


def test_what_the_documents_do_not_tell_is_not_told(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="help", messages=says("Who won the football match on Mars yesterday evening?"))
    assert ours(answer)["mode"] == "abstain"
    assert ours(answer)["citations"] == []


def test_plain_chat_on_the_embedded_model(client: OpenAI, installation: Installation) -> None:
    answer = client.chat.completions.create(model="local", messages=says("Say hello."), max_tokens=12, seed=1, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert ours(answer)["route"]["deployment"] == "local"
    assert ours(answer)["usage"]["slot_us"] > 0
    assert installation.settled(answer.id)["usage"]["output"] == answer.usage.completion_tokens


def test_a_stream_on_the_embedded_model(client: OpenAI, installation: Installation) -> None:
    chunks = list(
        client.chat.completions.create(
            model="local", messages=says("Count from one to ten."), max_tokens=40, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] in (["stop"], ["length"])
    last = chunks[-1]
    assert last.usage is not None
    assert last.usage.completion_tokens > 0
    assert last.choices == []
    assert [each["kind"] for each in installation.records(last.id)] == ["opened", "settled"]
    assert ours(last)["request"] == last.id


async def test_whole_and_streamed_answers_of_the_async_client(aclient: AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.create(model="on-good", messages=says("hi"))
    assert answer.choices[0].message.content == GOOD
    stream = await aclient.chat.completions.create(model="on-slow", messages=says("hi"), stream=True)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == GOOD
    assert len(pieces) >= len(PIECES)


class Person(BaseModel):
    """What is asked for."""

    name: str
    age: int
    kind: Literal["customer", "colleague"]


def test_an_answer_in_the_form_of_a_schema(client: OpenAI) -> None:
    asked = says("Maria Keller, 34 years old, has been our customer since May.")
    answer = client.chat.completions.parse(model="extract", messages=asked, response_format=Person, temperature=0)
    person = answer.choices[0].message.parsed
    assert isinstance(person, Person)
    assert person.name.startswith("Maria")
    assert ours(answer)["route"]["deployment"] == "local"


def test_a_streamed_answer_in_the_form_of_a_schema(client: OpenAI) -> None:
    asked = says("Maria Keller, 34 years old, has been our customer since May.")
    with client.chat.completions.stream(model="extract", messages=asked, response_format=Person, temperature=0) as stream:
        answer = stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_services_are_listed_as_models(client: OpenAI) -> None:
    named = {model.id for model in client.models.list()}
    assert {"help", "local", "extract", "on-good"} <= named
    assert client.models.retrieve("help").owned_by == "me"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nowhere")
    assert caught.value.code == "request.unknown_model"


def recorded(error: openai.APIStatusError, installation: Installation, outcome: str) -> dict[str, Any]:
    """The error's own request has one closing record that says the same."""
    assert isinstance(error.body, dict)
    request = error.body["headrace"]["request"]
    assert error.request_id == request
    record = installation.settled(request)
    assert (record["outcome"], record["error"]) == (outcome, error.code)
    return record


@pytest.mark.parametrize(
    ("service", "text", "more", "kind", "code", "param"),
    [
        ("nowhere", "hi", {}, openai.NotFoundError, "request.unknown_model", "model"),
        ("local", f"the key is {SECRET}", {}, openai.PermissionDeniedError, "guard.secrets", "messages[0]"),
        ("local", "word " * 3000, {}, openai.BadRequestError, "request.prompt_too_long", "messages"),
        ("local", "hi", {"max_tokens": 5000}, openai.BadRequestError, "request.prompt_too_long", "messages"),
        ("extract", "hi", {}, openai.BadRequestError, "request.schema_needed", "response_format"),
        ("on-too-long", "hi", {}, openai.BadRequestError, "request.prompt_too_long", "messages"),
    ],
)
def test_a_refusal_is_the_sdks_exception_and_a_record(
    client: OpenAI,
    installation: Installation,
    service: str,
    text: str,
    more: dict[str, Any],
    kind: type[openai.APIStatusError],
    code: str,
    param: str,
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=service, messages=says(text), **more)
    error = caught.value
    assert (error.code, error.param) == (code, param)
    assert isinstance(error.body, dict)
    assert error.body["headrace"]["mend"]
    assert SECRET not in str(error)
    recorded(error, installation, "refused")


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="local", messages=says("word " * 3000))
    assert isinstance(caught.value.body, dict)
    facts = caught.value.body["headrace"]["facts"]
    assert facts["prompt_tokens"] > facts["context_tokens"] == 2048


@pytest.mark.parametrize(("service", "code"), [("on-500", "upstream.failed"), ("on-cut", "upstream.truncated")])
def test_a_provider_that_fails_is_an_internal_server_error_and_a_record(
    client: OpenAI, installation: Installation, service: str, code: str
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=service, messages=says("hi"))
    assert (caught.value.code, caught.value.status_code) == (code, 502)
    recorded(caught.value, installation, "failed")


@pytest.mark.parametrize(("service", "code"), [("on-cut", "upstream.truncated"), ("on-fault", "upstream.failed")])
def test_a_provider_that_fails_in_mid_stream_raises_there(client: OpenAI, installation: Installation, service: str, code: str) -> None:
    chunks = client.chat.completions.create(model=service, messages=says("hi"), stream=True)
    came: list[str] = []
    with pytest.raises(openai.APIError) as caught:
        came.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "".join(came)
    assert caught.value.code == code
    assert isinstance(caught.value.body, dict)
    record = installation.settled(caught.value.body["headrace"]["request"])
    assert (record["outcome"], record["error"]) == ("failed", code)


def refused(client: OpenAI, key: str | openai.Omit) -> str | None:
    """The code with which a key is turned away; Omit: none is sent."""
    with pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model="on-good", messages=says("hi"), extra_headers={"Authorization": key})
    return caught.value.code


def test_a_key_that_does_not_hold_opens_nothing(client: OpenAI, installation: Installation) -> None:
    before = len(installation.since())
    assert refused(client, openai.Omit()) == "identity.no_key"
    assert refused(client, "Bearer hr_never_made") == "identity.unknown_key"
    assert len(installation.since()) == before, "until somebody is known there is nobody to keep a record for"


def test_a_revoked_key_opens_nothing_any_more(installation: Installation) -> None:
    secret, made = installation.made("leaver")
    with OpenAI(base_url=f"{installation.url}/v1", api_key=secret, max_retries=0) as client:
        assert client.chat.completions.create(model="on-good", messages=says("hi")).choices[0].message.content == GOOD
        installation.run("keys", "revoke", made.id)
        before = len(installation.since())
        error = until_refused(client)
    assert error.code == "identity.revoked_key"
    answered = [each for each in installation.since(before) if each["kind"] == "settled"]
    assert all(each["outcome"] == "answered" for each in answered), "those that were still let in are recorded as such"


def until_refused(client: OpenAI) -> openai.AuthenticationError:
    """A revocation holds within a second."""
    for _ in range(200):
        try:
            client.chat.completions.create(model="on-good", messages=says("hi"))
        except openai.AuthenticationError as error:
            return error
    raise AssertionError


def test_an_expired_key_opens_nothing_any_more(installation: Installation) -> None:
    key = installation.key("guest", lasts_us=1_000_000)
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0) as client:
        assert until_refused_slowly(client).code == "identity.expired_key"


def until_refused_slowly(client: OpenAI) -> openai.AuthenticationError:
    for _ in range(100):
        try:
            client.chat.completions.create(model="on-slow", messages=says("hi"))
        except openai.AuthenticationError as error:
            return error
    raise AssertionError


def test_a_key_bound_to_one_service_asks_no_other(installation: Installation) -> None:
    key = installation.key("bound", services=("on-good",))
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["on-good"]
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.chat.completions.create(model="on-slow", messages=says("hi"))
    recorded(caught.value, installation, "refused")


def test_a_key_of_no_group_may_ask_nothing(installation: Installation) -> None:
    key = installation.key("nobody", groups=())
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0) as client:
        assert list(client.models.list()) == []
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.chat.completions.create(model="on-good", messages=says("hi"))
    assert caught.value.code == "policy.denied"
    recorded(caught.value, installation, "refused")


@pytest.mark.parametrize(
    ("more", "param"),
    [({"temperature": 9}, "temperature"), ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"), ({"n": 2}, "n")],
)
def test_a_parameter_that_cannot_be_honoured_is_a_bad_request(client: OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="on-good", messages=says("hi"), **more)
    assert caught.value.param == param


def test_a_body_that_is_too_large_is_a_status_error(client: OpenAI, installation: Installation) -> None:
    before = len(installation.since())
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="on-good", messages=says("x" * 3_000_000))
    assert (caught.value.status_code, caught.value.code) == (413, "request.too_large")
    answer = client.chat.completions.create(model="on-good", messages=says("hi"))
    assert ours(answer)["receipt"]["sequence"] == before, "nothing was lost, and nothing else recorded"


def test_the_sdk_tries_again_where_that_can_help(installation: Installation, key: str) -> None:
    before = len(installation.since())
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=1) as client:
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="on-500", messages=says("hi"))
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="on-too-long", messages=says("hi"))
    errors = [each["error"] for each in installation.since(before)]
    assert errors == ["upstream.failed", "upstream.failed", "request.prompt_too_long"]


def test_who_leaves_in_mid_stream_is_recorded_as_gone(client: OpenAI, installation: Installation) -> None:
    stream = client.chat.completions.create(model="on-slow", messages=says("hi"), stream=True)
    first = next(iter(stream))
    stream.close()
    record = installation.settled(first.id)
    assert (record["outcome"], record["error"]) == ("cancelled", "request.cancelled")
    assert [each["kind"] for each in installation.records(first.id)] == ["opened", "settled"]


def test_who_leaves_the_embedded_model_in_mid_stream_frees_its_slot(client: OpenAI, installation: Installation) -> None:
    asked = says("Tell a long story about a river.")
    for _ in range(6):  # more than there are slots
        stream = client.chat.completions.create(model="local", messages=asked, max_tokens=400, stream=True)
        chunks = iter(stream)
        first = next(chunks)
        next(chunks)
        stream.close()
        record = installation.settled(first.id)
        assert record["outcome"] == "cancelled"
        assert record["usage"]["slot_us"] > 0, "what was generated is billed"
    assert 'headrace_slots_busy{deployment="local"} 0.0' in installation.get("/metrics")[1].decode()


def test_a_request_is_proven_by_its_bundle(client: OpenAI, installation: Installation, key: str) -> None:
    answer: ChatCompletion = client.chat.completions.create(model="on-good", messages=says("hi"))
    status, body = installation.get(f"/v1/headrace/requests/{answer.id}/proof", key)
    assert status == 200
    assert json.loads(json.loads(body)["record"])["request"] == answer.id
    assert installation.get(f"/v1/headrace/requests/{answer.id}/proof", installation.key("other"))[0] == 404
