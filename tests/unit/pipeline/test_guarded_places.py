"""A citation's place may be a heading: the document's own words, which the guards of passages see like any others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from headrace.pipeline.passages import UNNAMED
from tests.support.rooms import FEES, MAIL, SECRET, House, Texts, ask, received

if TYPE_CHECKING:
    from headrace.core.values import Found, Scope

FEE = "What is the annual fee in francs?"
NOTHING = "Why do submarines whistle?"


@dataclass
class Under:
    """Passages of a long section: its heading stands in none of them."""

    heading: str

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        found = await Texts([("handbook/fees.html", "handbook", FEES)]).find(question, scope, limit, quotes=quotes, scores=scores)
        place = f"section “{self.heading}”"
        return replace(
            found,
            passages=tuple(replace(each, place=place) for each in found.passages),
            quotes=tuple(replace(each, place=place) for each in found.quotes),
        )


@pytest.mark.parametrize(
    ("heading", "masked", "shown"),
    [
        ("Fees", "section “Fees”", "section “Fees”"),
        (f"Ask {MAIL}", "section “Ask [EMAIL_1]”", f"section “Ask {MAIL}”"),
        (f"Our key {SECRET}", UNNAMED, UNNAMED),
    ],
)
async def test_a_heading_is_shown_as_a_passage_would_be(home: House, heading: str, masked: str, shown: str) -> None:
    under = home.with_(retriever=Under(heading))
    quoted = (await ask(received("help", FEE), under.rooms)).answer
    assert [each.place for each in quoted.citations] == [shown]
    masking = under.forbidding(("unmask", "help"))
    quoted = (await ask(received("help", FEE), masking.rooms)).answer
    assert [each.place for each in quoted.citations] == [masked]
    nearest = (await ask(received("help", NOTHING), under.rooms)).answer
    assert [each.place for each in nearest.nearest] == [masked]
