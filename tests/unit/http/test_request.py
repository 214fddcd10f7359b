"""Every parameter is honoured or refused by its name."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from openai.resources.chat import Completions

from headrace.app.http.openai.request import HONOURED, NEUTRAL, Envelope, Parameters, client_of, read
from headrace.core.errors import BadRequest, UnsupportedParameter
from headrace.core.values import JsonSchema

if TYPE_CHECKING:
    from headrace.core.flow import Received

ENVELOPE = Envelope("req_1", 1_790_000_000_000_000, "hr_key", "OpenAI/2")
MESSAGES = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
TRANSPORT = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
"""What the SDK's method takes beside the parameters of the API."""


def asked(**fields: Any) -> Received:
    return read(json.dumps({"model": "help", "messages": MESSAGES, **fields}).encode(), ENVELOPE)


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        asked(**fields)
    assert caught.value.mend
    return caught.value


def test_a_plain_request() -> None:
    received = asked()
    call = received.call
    assert (call.request, call.service, call.stream, call.client) == ("req_1", "help", False, "OpenAI/2")
    assert (call.endpoint, call.received_us) == ("/v1/chat/completions", 1_790_000_000_000_000)
    assert received.credential == "hr_key"
    assert "hr_key" not in repr(received)
    assert call.sampling.max_tokens is None
    assert received.turns[0].text.text == "hi"


def test_every_honoured_parameter_arrives() -> None:
    call = asked(
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        max_completion_tokens=7,
        max_tokens=7,
        temperature=1,
        top_p=0.5,
        seed=-3,
        stop=["a", "b"],
        presence_penalty=-2,
        frequency_penalty=2,
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": False}},
        n=1,
        store=False,
        user="ana",
        metadata={"a": "b"},
    ).call
    sampling = call.sampling
    assert call.stream
    assert call.include_usage
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed) == (7, 1.0, 0.5, -3)
    assert (sampling.stop, sampling.presence_penalty, sampling.frequency_penalty) == (("a", "b"), -2.0, 2.0)
    assert sampling.format == JsonSchema(SCHEMA, "person")


@pytest.mark.parametrize("name", sorted(HONOURED.keys() - {"model", "messages"}))
def test_null_asks_for_nothing(name: str) -> None:
    assert asked(**{name: None}) == asked()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NEUTRAL.items() for value in (None, *values)], ids=lambda value: str(value)[:20]
)
def test_a_neutral_value_is_accepted(name: str, value: object) -> None:
    assert asked(**{name: value}) == asked()


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_a_parameter_that_is_not_honoured_is_refused_by_its_name(name: str) -> None:
    error = refused(**{name: {"a": 1}})
    assert isinstance(error, UnsupportedParameter)
    assert error.param == name


def test_the_sdk_has_no_parameter_that_is_not_known_here() -> None:
    theirs = inspect.signature(Completions.create).parameters.keys() - TRANSPORT
    assert theirs == HONOURED.keys() | NEUTRAL.keys()
    assert not HONOURED.keys() & NEUTRAL.keys()
    assert set(Parameters.__struct_fields__) == HONOURED.keys() - {"messages", "response_format"}


@pytest.mark.parametrize(
    ("name", "value"), [("logprobs", 0), ("top_logprobs", False), ("tools", [{}]), ("tool_choice", "auto"), ("service_tier", "flex")]
)
def test_neutral_means_exactly_that(name: str, value: object) -> None:
    assert refused(**{name: value}).param == name


def test_an_unknown_parameter_gets_its_neighbour() -> None:
    error = refused(tempature=1)
    assert (error.code, error.param, error.mend) == ("request.unknown_parameter", "tempature", 'Did you mean "temperature"?')
    assert refused(zzz=None).mend == "Leave it out."
    assert refused(**{"a\n" * 100: 1}).param == "a?" * 32


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"model": ""}, "model", "A text of at least 1 characters is wanted."),
        ({"model": None}, "model", "Null stands here, but a text is wanted."),
        ({"model": "m" * 300}, "model", "A text of at most 256 characters is wanted."),
        ({"temperature": "1"}, "temperature", "A text stands here, but a number is wanted."),
        ({"temperature": 2.5}, "temperature", "A number of at most 2 is wanted."),
        ({"temperature": -1}, "temperature", "A number of at least 0 is wanted."),
        ({"top_p": 0}, "top_p", "A number of more than 0 is wanted."),
        ({"seed": 1.5}, "seed", "A number stands here, but a whole number is wanted."),
        ({"seed": 2**70}, "seed", "A whole number of at most 9223372036854775807 is wanted."),
        ({"stream": 1}, "stream", "A whole number stands here, but true or false is wanted."),
        ({"stop": 5}, "stop", "A whole number stands here, but a text or a list is wanted."),
        ({"stop": ["a", ""]}, "stop[1]", "A text of at least 1 characters is wanted."),
        ({"stop": list("abcde")}, "stop", "A list of at most 4 items is wanted."),
        ({"max_tokens": 0}, "max_tokens", "A whole number of at least 1 is wanted."),
        ({"metadata": {"a": 1}}, "metadata[]", "A whole number stands here, but a text is wanted."),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata", "An object of at most 16 names is wanted."),
        ({"stream": True, "stream_options": []}, "stream_options", "A list stands here, but an object is wanted."),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "true or false is wanted"),
        ({"stream": True, "stream_options": {"incl": 1}}, "stream_options.incl", "not known"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "with stream only"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation", "padding"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens", "differ"),
        ({"n": 2}, "n", "One answer"),
        ({"n": 0}, "n", "at least 1"),
        ({"store": True}, "store", "keeps no answers"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_what_would_be_right(fields: dict[str, Any], param: str, words: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert words in error.message


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        read(b'{"messages": [{"role": "user", "content": "x"}]}', ENVELOPE)
    assert (caught.value.code, caught.value.param) == ("request.missing", "model")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonSchema(None)),
        ({"type": "json_object", "json_schema": None}, JsonSchema(None)),
    ],
)
def test_formats_without_a_schema(value: object, expected: JsonSchema | None) -> None:
    assert asked(response_format=value).call.sampling.format == expected


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ("json", "response_format.type"),
        ({"type": ["text"]}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "text", "json_schema": {}}, "response_format.json_schema"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": True}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": 1}}, "response_format.json_schema.strict"),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "description": "x"}},
            "response_format.json_schema.description",
        ),
    ],
)
def test_a_wrong_format_is_told_with_its_place(value: object, param: str) -> None:
    assert refused(response_format=value).param == param


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("OpenAI/Python 3.57.0", "other"),
        ("openai-python/2.1.0 (Linux)", "openai-python/2.1.0"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "other"),
        ("ana@example.com/1", "other"),
        ("x/" + "1" * 40, "other"),
    ],
)
def test_a_client_is_product_and_version_or_other(agent: str, client: str) -> None:
    assert client_of(agent) == client
