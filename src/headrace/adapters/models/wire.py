"""The OpenAI chat dialect as it is sent and read. Typed decoding: a token's event is on the hot path of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from headrace.core.text import Role  # noqa: TC001 - msgspec reads the type
from headrace.core.values import FinishReason, Usage

if TYPE_CHECKING:
    from headrace.core.text import CleanPrompt
    from headrace.core.values import JsonSchema, Sampling

REASONS = {"length": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}

MOST_TOKENS = 1_000_000_000
"""Of one answer. No context is near it; more is a mistake."""


class _Message(msgspec.Struct, gc=False):
    role: Role
    content: str


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool = True


class _Schema(msgspec.Struct):
    name: str
    schema: dict[str, object]
    strict: bool = True


class _Format(msgspec.Struct, omit_defaults=True):
    type: Literal["json_object", "json_schema"]
    json_schema: _Schema | None = None


class _Request(msgspec.Struct, omit_defaults=True):
    messages: list[_Message]
    model: str | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: _Format | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class Fault(msgspec.Struct, gc=False):
    """An error as a provider words it; its message may hold content and is never passed on."""

    message: str = ""
    type: str | None = None
    code: str | int | None = None
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream."""

    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: Fault | None = None


class _Failure(msgspec.Struct, gc=False):
    error: Fault


class _Count(msgspec.Struct, gc=False):
    input_tokens: int


_chunks = msgspec.json.Decoder(Chunk)
read_chunk = _chunks.decode
read_chunks = _chunks.decode_lines
"""A chunk a line."""
read_failure = msgspec.json.Decoder(_Failure).decode
read_count = msgspec.json.Decoder(_Count).decode
_encode = msgspec.json.Encoder().encode


def disjoint(usage: _Usage) -> Usage | None:
    """The dialect counts cached tokens among the prompt's; here the parts are disjoint. None when these are no numbers of tokens: a
    provider that says -1 for what it does not know must not lower a bill."""
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    counts = (usage.prompt_tokens, usage.completion_tokens, cached)
    if min(counts) < 0 or max(counts) > MOST_TOKENS:
        return None
    cached = min(cached, usage.prompt_tokens)
    return Usage(input=usage.prompt_tokens - cached, input_cached=cached, output=usage.completion_tokens)


def counting(prompt: CleanPrompt) -> bytes:
    """The body that asks how many tokens a prompt takes."""
    return _encode(_Request(_messages(prompt)))


def asking(prompt: CleanPrompt, sampling: Sampling, model: str) -> bytes:
    """The body that asks for a streamed answer."""
    return _encode(
        _Request(
            messages=_messages(prompt),
            model=model,
            stream=True,
            stream_options=_StreamOptions(),
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
            stop=sampling.stop,
            presence_penalty=sampling.presence_penalty,
            frequency_penalty=sampling.frequency_penalty,
            response_format=_format(sampling.format) if sampling.format else None,
        )
    )


def _messages(prompt: CleanPrompt) -> list[_Message]:
    return [_Message(turn.role, turn.text.text) for turn in prompt.turns]


def _format(wanted: JsonSchema) -> _Format:
    if wanted.schema is None:
        return _Format("json_object")
    return _Format("json_schema", _Schema(wanted.name, dict(wanted.schema)))
