"""Vectors through the official SDK, against a whole installation: the embedded MiniLM under the same governance as an answer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from headrace.adapters.embedders.minilm import MiniLM
from headrace.evidence.commitment import commit
from tests.providers.engine import embedder as weights

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from tests.support.installation import Installation

SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
MAIL = "ana.muster@example.org"


@pytest.fixture
def client(installation: Installation, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
async def aclient(installation: Installation, key: str) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def minilm() -> Iterator[MiniLM]:
    made = MiniLM(weights())
    yield made
    made.close()


def code(error: openai.APIStatusError) -> tuple[int, str | None, str | None]:
    return error.status_code, error.code, error.param


def test_a_text_has_the_vector_that_the_model_gives(client: OpenAI, installation: Installation, minilm: MiniLM) -> None:
    made = client.embeddings.create(model="embed", input="The annual fee is 40 francs.")
    assert np.array_equal(np.asarray(made.data[0].embedding, dtype=np.float32), minilm.embed(["The annual fee is 40 francs."])[0])
    assert (made.object, made.model, made.usage.prompt_tokens, made.usage.total_tokens) == ("list", "embed", 9, 9)
    ours: Any = made.headrace  # pyright: ignore[reportAttributeAccessIssue]
    assert ours["route"] == {"deployment": "minilm", "considered": 1}
    assert ours["decision"]["policies"] == ["base/members-may-ask"]
    record = installation.settled(ours["request"])
    assert (record["outcome"], record["service"], record["principal"], record["usage"]["input"]) == ("answered", "embed", "ana", 9)
    assert record["usage"]["slot_us"] > 0
    assert [each["stage"] for each in record["stages"]] == ["received", "admitted", "screened", "routed", "reserved", "embedded"]
    sent = base64.b64encode(np.asarray(made.data[0].embedding, dtype="<f4").tobytes()).decode()
    assert commit(bytes.fromhex(ours["receipt"]["salts"]["answer"]), sent) == record["commitments"]["answer"]
    assert "annual fee" not in str(record)


async def test_many_texts_come_back_in_order_in_either_encoding(aclient: AsyncOpenAI, minilm: MiniLM) -> None:
    texts = [f"Text {n} of many." for n in range(40)]
    as_numbers = await aclient.embeddings.create(model="embed", input=texts, encoding_format="float", dimensions=384, user="someone")
    as_bytes = await aclient.embeddings.create(model="embed", input=texts, encoding_format="base64")
    assert [each.index for each in as_numbers.data] == list(range(40))
    wanted = minilm.embed(texts)
    assert np.array_equal(np.asarray([each.embedding for each in as_numbers.data], dtype=np.float32), wanted)
    raw: list[Any] = [each.embedding for each in as_bytes.data]
    assert np.array_equal(np.stack([np.frombuffer(base64.b64decode(each), dtype="<f4") for each in raw]), wanted)


def test_a_masked_text_is_embedded_as_it_is_masked_whatever_stands_beside_it(client: OpenAI, minilm: MiniLM) -> None:
    made = client.embeddings.create(model="embed", input=["Write to bob@example.org now.", f"Write to {MAIL}."])
    assert np.array_equal(np.asarray(made.data[1].embedding, dtype=np.float32), minilm.embed(["Write to [EMAIL_1]."])[0])
    ours: Any = made.headrace  # pyright: ignore[reportAttributeAccessIssue]
    assert [(each["kind"], each["part"], each["action"]) for each in ours["findings"]] == [("email", 0, "mask"), ("email", 1, "mask")]


def test_a_secret_is_refused_and_the_refusal_is_recorded(client: OpenAI, installation: Installation) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.embeddings.create(model="embed", input=["fine", f"key {SECRET}"])
    assert code(caught.value) == (403, "guard.secrets", "input[1]")
    assert isinstance(caught.value.body, dict)
    record = installation.settled(caught.value.body["headrace"]["request"])
    assert (record["outcome"], record["at"], record["usage"]["input"]) == ("refused", "screened", 0)
    assert SECRET not in str(record)


def test_a_text_that_is_too_long_is_named_with_its_tokens(client: OpenAI, installation: Installation) -> None:
    texts = ["short"] * 20 + ["word " * 254, "word " * 300]
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="embed", input=texts)
    assert code(caught.value) == (400, "request.prompt_too_long", "input[21]")
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["headrace"]["facts"] == {"input": 21, "prompt_tokens": 302, "context_tokens": 256}
    record = installation.settled(caught.value.body["headrace"]["request"])
    assert (record["outcome"], record["at"]) == ("refused", "embedded")
    assert record["stages"][-1]["facts"] == {"input": 21, "prompt_tokens": 302, "context_tokens": 256}
    assert len(client.embeddings.create(model="embed", input="word " * 254).data) == 1


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"input": ["x"], "dimensions": 128}, (400, "request.unsupported_parameter", "dimensions")),
        ({"input": [1, 2, 3]}, (400, "request.unsupported_parameter", "input")),
        ({"input": [[1, 2], [3]]}, (400, "request.unsupported_parameter", "input")),
        ({"input": []}, (400, "request.invalid", "input")),
        ({"input": ""}, (400, "request.invalid", "input")),
        ({"input": "x", "model": "help"}, (400, "request.service_writes", "model")),
        ({"input": "x", "model": "nowhere"}, (404, "request.unknown_model", "model")),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_its_name(client: OpenAI, asked: dict[str, Any], wanted: tuple[int, str, str]) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(**{"model": "embed", **asked})
    assert code(caught.value) == wanted


def test_a_service_that_gives_vectors_writes_nothing(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="embed", messages=[{"role": "user", "content": "hi"}])
    assert code(caught.value) == (400, "request.service_embeds", "model")


def test_nobody_else_is_served(installation: Installation) -> None:
    for key, status in (("hr_live_no", 401), (installation.key("visitor", groups=()), 403)):
        with (
            OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0) as client,
            pytest.raises(openai.APIStatusError) as caught,
        ):
            client.embeddings.create(model="embed", input="x")
        assert caught.value.status_code == status


def test_a_provider_of_the_dialect_gives_vectors_too(client: OpenAI, installation: Installation) -> None:
    made = client.embeddings.create(model="vectors", input=["four", "sixsix"], dimensions=4)
    assert [each.embedding for each in made.data] == [[4, 0.25, 0.25, 0.25], [6, 0.25, 0.25, 0.25]]
    assert made.usage.prompt_tokens == 10
    ours: Any = made.headrace  # pyright: ignore[reportAttributeAccessIssue]
    assert ours["usage"]["cost"]["amount"] == "0.0000015"
    assert installation.settled(ours["request"])["cost"]["amount"] == "0.0000015"
