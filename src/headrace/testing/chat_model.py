"""What every ChatModel does.

Fixtures to give: `model`, one that answers ``Name three colours.`` with at least three tokens, keeps to ``max_tokens`` and to a JSON
Schema; `unreachable`, one whose provider is not there; `active`, an async function that says how many answers are being written upstream.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import Unavailable, UpstreamFailed
from headrace.core.events import Finished, TextDelta, UsageReport
from headrace.core.labels import Label
from headrace.core.text import CleanPrompt, CleanText, CleanTurn, Origin, Role
from headrace.core.values import FinishReason, JsonSchema, Sampling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.core.events import ModelEvent
    from headrace.core.ports import ChatModel

QUESTION = "Name three colours."
PERSON = JsonSchema(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    name="person",
)
IDLE_WITHIN = 5.0
"""Seconds after a closed answer in which the provider must have stopped working on it."""


def prompt(*texts: str) -> CleanPrompt:
    """A prompt of user messages, for tests."""
    label = Label("default")
    return CleanPrompt(tuple(CleanTurn(Role.USER, CleanText(text, label, Origin.PROMPT, part)) for part, text in enumerate(texts)), label)


async def collect(model: ChatModel, asked: CleanPrompt, sampling: Sampling | None = None) -> list[ModelEvent]:
    """Every event of one answer."""
    async with aclosing(model.generate(asked, sampling or Sampling(max_tokens=24, temperature=0.0))) as events:
        return [event async for event in events]


def text_of(events: list[ModelEvent]) -> str:
    """The text of an answer's events."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def usage_of(events: list[ModelEvent]) -> UsageReport | None:
    """The last usage that was reported."""
    return next((event for event in reversed(events) if isinstance(event, UsageReport)), None)


class ChatModelContract:
    """Derive, and give the fixtures that the module names."""

    async def test_an_answer_is_text_and_then_its_end(self, model: ChatModel) -> None:
        """Text, then at most reports of usage, then Finished, once and last."""
        events = await collect(model, prompt(QUESTION))
        assert isinstance(events[-1], Finished)
        assert sum(isinstance(event, Finished) for event in events) == 1
        kinds = [type(event) for event in events]
        assert TextDelta not in kinds[kinds.index(UsageReport) :] if UsageReport in kinds else True
        assert text_of(events)

    async def test_text_comes_in_pieces_and_none_is_empty(self, model: ChatModel) -> None:
        """A stream, not one lump at the end."""
        pieces = [event.text for event in await collect(model, prompt(QUESTION)) if isinstance(event, TextDelta)]
        assert len(pieces) > 1
        assert all(pieces)

    async def test_usage_is_told_in_disjoint_parts(self, model: ChatModel) -> None:
        """Cached input is not counted twice, and nothing is negative."""
        events = await collect(model, prompt(QUESTION))
        report = usage_of(events)
        assert report is not None
        usage = report.usage
        assert usage.input + usage.input_cached > 0
        assert usage.output > 0
        assert min(usage.input, usage.input_cached) >= 0

    async def test_max_tokens_is_kept(self, model: ChatModel) -> None:
        """The answer stops there, and says why."""
        events = await collect(model, prompt(QUESTION), Sampling(max_tokens=2, temperature=0.0))
        assert events[-1] == Finished(FinishReason.LENGTH)
        report = usage_of(events)
        assert report is not None
        assert report.usage.output == 2

    async def test_a_json_schema_is_kept(self, model: ChatModel) -> None:
        """The whole text is one JSON value of the schema."""
        events = await collect(model, prompt("Ana is 31 years old."), Sampling(max_tokens=64, temperature=0.0, format=PERSON))
        found = json.loads(text_of(events))
        assert set(found) == {"name", "age"}
        assert isinstance(found["age"], int)

    async def test_the_count_is_exact_or_unknown(self, model: ChatModel) -> None:
        """None, or what the usage says afterwards; never a guess."""
        asked = prompt(QUESTION)
        counted = await model.count(asked, Sampling())
        report = usage_of(await collect(model, asked))
        assert report is not None
        assert counted is None or counted == report.usage.input + report.usage.input_cached

    async def test_nothing_is_asked_before_the_first_step(self, model: ChatModel, active: Callable[[], Awaitable[int]]) -> None:
        """Making the generator costs nothing."""
        events = model.generate(prompt(QUESTION), Sampling(max_tokens=4))
        assert await active() == 0
        await events.aclose()

    async def test_closing_cancels_upstream(self, model: ChatModel, active: Callable[[], Awaitable[int]]) -> None:
        """Soon after the generator is closed nobody works on the answer."""
        events = model.generate(prompt("Write a very long story."), Sampling(max_tokens=1500))
        await anext(events)
        await events.aclose()
        async with asyncio.timeout(IDLE_WITHIN):
            while await active():
                await asyncio.sleep(0.01)

    async def test_answers_side_by_side_do_not_mix(self, model: ChatModel) -> None:
        """Any number at once; each ends by itself."""
        every = await asyncio.gather(*(collect(model, prompt(f"{QUESTION} ({number})")) for number in range(6)))
        assert all(isinstance(events[-1], Finished) for events in every)

    async def test_a_provider_that_is_not_there_is_an_error(self, unreachable: ChatModel) -> None:
        """UpstreamFailed at the first step; Unavailable when it is an engine of Headrace's own."""
        with pytest.raises((UpstreamFailed, Unavailable)) as failed:
            await collect(unreachable, prompt(QUESTION))
        assert failed.value.code

    async def test_closing_twice_is_closing(self, model: ChatModel) -> None:
        """Idempotent, also when nothing was ever asked."""
        await model.close()
        await model.close()
