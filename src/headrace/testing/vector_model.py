"""What every VectorModel does.

Fixtures to give: `model`, one that takes any of these texts; `overlong`, a model and a prompt whose second text it does not see whole;
`unreachable`, one whose provider is not there.
"""

from __future__ import annotations

import asyncio
import struct
from math import isfinite
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import PromptTooLong, Unavailable, UnsupportedParameter, UpstreamFailed
from headrace.testing.chat_model import prompt

if TYPE_CHECKING:
    from headrace.core.ports import VectorModel
    from headrace.core.text import CleanPrompt

FEE = "The annual fee is 40 francs."
NOTICE = "You may cancel with one month of notice, by letter."
MANY = 40
"""Texts: more than any implementation should want to take in one step."""
ODD = 7
"""Dimensions that no model was made for."""
_FLOAT32 = 4


class VectorModelContract:
    """Derive, and give the fixtures that the module names."""

    async def test_a_vector_for_each_text_of_the_dimensions_that_are_told(self, model: VectorModel) -> None:
        """Float32, finite, all of one length."""
        made = await model.embed(prompt(FEE, NOTICE, "x"), None)
        assert len(made.rows) == 3
        assert {len(row) for row in made.rows} == {made.dimensions * _FLOAT32}
        assert all(isfinite(number) for row in made.rows for (number,) in struct.iter_unpack("<f", row))

    async def test_what_stands_beside_a_text_changes_nothing(self, model: VectorModel) -> None:
        """In the order of the texts, bit for bit."""
        alone = [(await model.embed(prompt(text), None)).rows[0] for text in (FEE, NOTICE)]
        assert alone[0] != alone[1]
        beside = await model.embed(prompt(NOTICE * 3, FEE, NOTICE, FEE), None)
        assert list(beside.rows[1:]) == [alone[0], alone[1], alone[0]]

    async def test_many_texts_at_once(self, model: VectorModel) -> None:
        """Each has its own vector, as it has alone."""
        texts = [f"{FEE} {'Really. ' * n}" for n in range(MANY)]
        made = await model.embed(prompt(*texts), None)
        assert len(made.rows) == len(set(made.rows)) == MANY
        for n in (0, MANY // 2, MANY - 1):
            assert made.rows[n] == (await model.embed(prompt(texts[n]), None)).rows[0]

    async def test_tokens_are_those_of_all_the_texts(self, model: VectorModel) -> None:
        """They are what is paid for."""
        one, other = [(await model.embed(prompt(text), None)).tokens for text in (FEE, NOTICE)]
        assert min(one, other) > 0
        assert (await model.embed(prompt(FEE, NOTICE), None)).tokens == one + other

    async def test_dimensions_are_kept_or_refused_by_their_name(self, model: VectorModel) -> None:
        """Never other ones than were asked for."""
        own = await model.embed(prompt(FEE), None)
        assert await model.embed(prompt(FEE), own.dimensions) == own
        (other,) = await asyncio.gather(model.embed(prompt(FEE), ODD), return_exceptions=True)
        if isinstance(other, BaseException):
            assert isinstance(other, UnsupportedParameter)
            assert other.param == "dimensions"
        else:
            assert (other.dimensions, len(other.rows[0])) == (ODD, ODD * _FLOAT32)

    async def test_no_text_is_cut_short(self, overlong: tuple[VectorModel, CleanPrompt]) -> None:
        """The second is too long; where the numbers are told, they say so."""
        model, asked = overlong
        with pytest.raises(PromptTooLong) as refused:
            await model.embed(asked, None)
        assert refused.value.param in {"input", "input[1]"}
        facts = refused.value.facts
        assert facts.get("input", 1) == 1
        assert int(str(facts.get("prompt_tokens") or 1)) > int(str(facts.get("context_tokens") or 0))
        assert not any(turn.text.text in f"{refused.value} {facts}" for turn in asked.turns)

    async def test_requests_side_by_side_do_not_mix(self, model: VectorModel) -> None:
        """Any number at once; each has its own."""
        texts = [f"{FEE} {'Really. ' * n}" for n in range(6)]
        alone = [(await model.embed(prompt(text), None)).rows for text in texts]
        assert [made.rows for made in await asyncio.gather(*(model.embed(prompt(text), None) for text in texts))] == alone

    async def test_a_provider_that_is_not_there_is_an_error(self, unreachable: VectorModel) -> None:
        """UpstreamFailed; Unavailable when it is an embedder of Headrace's own."""
        with pytest.raises((UpstreamFailed, Unavailable)) as failed:
            await unreachable.embed(prompt(FEE), None)
        assert failed.value.code

    async def test_closing_twice_is_closing(self, model: VectorModel) -> None:
        """Idempotent, also when nothing was ever asked."""
        await model.close()
        await model.close()
