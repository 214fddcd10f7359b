"""The OpenAI chat request, read strictly: every parameter is honoured or refused by name, nothing is dropped in silence.

The body is parsed once. A wrong value is answered with its place (``messages[1].content``) and what would be right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from headrace.app.http.exchange.body import as_object, parse
from headrace.app.http.exchange.parameters import account, convert, only
from headrace.app.http.openai.messages import turns_of
from headrace.core.errors import BadRequest, UnsupportedParameter
from headrace.core.flow import Call, Received
from headrace.core.values import JsonSchema, RequestId, Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLIENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}/[0-9][0-9A-Za-z.+-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LARGEST_INT = 2**63 - 1

_Model = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Tokens = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
_Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    """``stream_options``. Obfuscation (padding) is not made; asking for none is honoured."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Parameters(msgspec.Struct):
    """The parameters that are honoured, apart from ``messages`` and ``response_format``."""

    model: _Model
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=_LARGEST_INT)] | None = None
    stop: _Stop | Annotated[list[_Stop], msgspec.Meta(max_length=4)] | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    store: bool | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    metadata: Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=512)]], msgspec.Meta(max_length=16)] | None = None


HONOURED: Final[Mapping[str, str]] = {
    "model": "The service to ask, by its name.",
    "messages": "Strings or text parts (joined by a line break); roles system, developer (the same as system), user, assistant.",
    "stream": "Server-sent events as the answer is made; the last event has the `headrace` object.",
    "stream_options": "`include_usage`: tokens in an event of their own. `include_obfuscation`: only false.",
    "max_tokens": "Most tokens of the answer. The same as max_completion_tokens.",
    "max_completion_tokens": "Most tokens of the answer.",
    "temperature": "0 to 2.",
    "top_p": "Over 0, to 1.",
    "seed": "Passed on; the same seed gives the same answer as far as the deployment keeps that promise.",
    "stop": "A string or up to four; the answer ends before it.",
    "presence_penalty": "-2 to 2.",
    "frequency_penalty": "-2 to 2.",
    "response_format": "text, json_object, or json_schema: the answer keeps to the schema, strict or not.",
    "n": "Only 1.",
    "store": "Only false: Headrace keeps no answers for later retrieval.",
    "user": "Accepted and not kept: the key says who asks.",
    "metadata": "Accepted (16 strings) and not kept: records are content-free.",
}
"""What each honoured parameter does; the reference page is made of this."""

NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "audio": (),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "parallel_tool_calls": (),
    "prediction": (),
    "prompt_cache_key": (),
    "prompt_cache_options": (),
    "prompt_cache_retention": (),
    "reasoning_effort": ("none",),
    "safety_identifier": (),
    "service_tier": ("auto", "default"),
    "tool_choice": ("none",),
    "tools": ([],),
    "top_logprobs": (0,),
    "verbosity": (),
    "web_search_options": (),
}
"""Parameters of the dialect that are refused, and the values that ask for nothing and so are accepted (null always is)."""


FORMAT_SCHEMA: Final[Mapping[str, object]] = {
    "oneOf": [
        {"type": "null"},
        {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": ["text", "json_object"]}},
            "additionalProperties": {"type": "null"},
        },
        {
            "type": "object",
            "required": ["type", "json_schema"],
            "properties": {
                "type": {"const": "json_schema"},
                "json_schema": {
                    "type": "object",
                    "required": ["name", "schema"],
                    "properties": {
                        "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                        "schema": {"type": "object"},
                        "strict": {"type": ["boolean", "null"]},
                    },
                    "additionalProperties": {"type": "null"},
                },
            },
            "additionalProperties": {"type": "null"},
        },
    ]
}
"""``response_format`` as it is taken, as JSON Schema."""
TOGETHER: Final[Mapping[str, object]] = {
    "if": {"properties": {"stream_options": {"type": "object"}}, "required": ["stream_options"]},
    "then": {"properties": {"stream": {"const": True}}, "required": ["stream"]},
}
"""``stream_options`` go with ``stream`` only."""


NARROWED: Final[Mapping[str, object]] = {
    "n": {"enum": [None, 1]},
    "store": {"enum": [None, False]},
    "stream_options": {
        "oneOf": [
            {"type": "null"},
            {
                "type": "object",
                "properties": {"include_usage": {"type": ["boolean", "null"]}, "include_obfuscation": {"enum": [None, False]}},
                "additionalProperties": False,
            },
        ]
    },
}
"""Parameters of which fewer values are honoured than their struct could hold."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What comes with the body: who asks, with what, when, and under which id."""

    request: str
    received_us: int
    credential: str
    client: str
    endpoint: str = "/v1/chat/completions"


def client_of(user_agent: str) -> str:
    """``OpenAI/Python`` names product and version as ``product/version`` first; anything of another form is ``other``."""
    first = user_agent.split(" ", 1)[0]
    return first if _CLIENT.fullmatch(first) else "other"


def read(body: bytes, envelope: Envelope) -> Received:
    """The request. Raises BadRequest or UnsupportedParameter with the place and the mend."""
    fields = parse(body)
    account(fields, HONOURED, NEUTRAL)
    parameters = convert(fields, Parameters, HONOURED)
    _agree(parameters)
    turns = turns_of(fields.get("messages"))
    sampling = Sampling(
        max_tokens=parameters.max_completion_tokens or parameters.max_tokens,
        temperature=parameters.temperature,
        top_p=parameters.top_p,
        seed=parameters.seed,
        stop=_stop(parameters.stop),
        presence_penalty=parameters.presence_penalty,
        frequency_penalty=parameters.frequency_penalty,
        format=_format(fields.get("response_format")),
    )
    call = Call(
        request=RequestId(envelope.request),
        endpoint=envelope.endpoint,
        service=parameters.model,
        stream=bool(parameters.stream),
        received_us=envelope.received_us,
        client=envelope.client,
        sampling=sampling,
        include_usage=bool(parameters.stream_options and parameters.stream_options.include_usage),
    )
    return Received(call, envelope.credential, turns)


def _agree(parameters: Parameters) -> None:
    """Raises where two parameters do not go together, or a value cannot be honoured."""
    if parameters.n not in {None, 1}:
        message = "One answer is given to a request."
        raise UnsupportedParameter(message, param="n", mend="Leave n out, or send several requests.")
    if parameters.store:
        message = "Headrace keeps no answers for later retrieval."
        raise UnsupportedParameter(message, param="store", mend="Leave store out.")
    if parameters.stream_options is not None:
        if not parameters.stream:
            message = "stream_options go with stream only."
            raise BadRequest(message, param="stream_options", mend="Send stream: true, or leave stream_options out.")
        if parameters.stream_options.include_obfuscation:
            message = "No padding is added to streamed events."
            raise UnsupportedParameter(message, param="stream_options.include_obfuscation", mend="Leave it out.")
    most = {parameters.max_tokens, parameters.max_completion_tokens} - {None}
    if len(most) > 1:
        message = "max_tokens and max_completion_tokens are the same thing and differ here."
        raise BadRequest(message, param="max_completion_tokens", mend="Send one of them.")


def _stop(value: str | list[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _format(value: object) -> JsonSchema | None:
    """``response_format``. Raises BadRequest, UnsupportedParameter."""
    if value is None:
        return None
    fields = as_object(value) or {}
    kind = fields.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise BadRequest(
            "A response format is an object with the type text, json_object or json_schema.",
            param="response_format.type",
            mend='Send {"type": "json_schema", "json_schema": {"name": …, "schema": …}}.',
        )
    only(fields, {"type", "json_schema"} if kind == "json_schema" else {"type"}, "response_format")
    if kind == "json_schema":
        return _schema(fields.get("json_schema"))
    return JsonSchema(None) if kind == "json_object" else None


def _schema(value: object) -> JsonSchema:
    place = "response_format.json_schema"
    fields = as_object(value)
    if fields is None:
        message = "json_schema is an object with a name and a schema."
        raise BadRequest(message, param=place, mend='Send {"name": "answer", "schema": {"type": "object", …}}.')
    only(fields, {"name", "schema", "strict"}, place)
    name, schema, strict = fields.get("name"), as_object(fields.get("schema")), fields.get("strict")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = "The name of a schema has letters, digits, dash and underscore, at most 64."
        raise BadRequest(message, param=f"{place}.name", mend='Send a name such as "answer".')
    if schema is None:
        message = "The schema is missing, or is not an object."
        raise BadRequest(message, param=f"{place}.schema", mend='Send a JSON Schema, such as {"type": "object", "properties": {…}}.')
    if strict is not None and not isinstance(strict, bool):
        raise BadRequest("strict is true or false.", param=f"{place}.strict", mend="Leave it out: every schema is kept strictly.")
    return JsonSchema(schema, name)
