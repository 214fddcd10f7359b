"""Draft mode through the line: each sentence is cited, flagged or taken out; else the answer is quoted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from headrace.config.model import ModelChoice
from headrace.core.errors import Unavailable
from headrace.core.values import FinishReason, Mode
from tests.support.rooms import FEES, MAIL, SECRET, TEXTS, ask, received, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Evidence, Found, Scope, Verdict
    from tests.support.rooms import Got, House

QUESTION = "How much is the annual fee?"


async def drafted(house: House, text: str, *, service: str = "draft", question: str = QUESTION, stream: bool = False, size: int = 7) -> Got:
    """The answer when the model writes this text, in pieces of `size` characters."""
    house.provider.state.pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return await ask(received(service, question, stream=stream), house.rooms)


async def test_a_supported_sentence_is_cited_with_its_exact_span(home: House) -> None:
    got = await drafted(home, "The annual fee is 40 francs [2].")
    answer = got.answer
    assert (answer.mode, answer.text) == (Mode.DRAFT, "The annual fee is 40 francs. [1]")
    (cited,) = answer.citations
    assert (cited.document, cited.quote) == ("handbook/fees.md", "The annual fee is 40 francs.")
    assert FEES[cited.start - 100 : cited.end - 100] == cited.quote
    assert [(str(each.outcome), each.cites) for each in answer.sentences] == [("cited", (1,))]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The annual fee is 41 francs.", "number"),
        ("The annual fee is 40 euros.", "number"),
        ("The annual fee is 40 francs for Ana Muster.", "name"),
        ("The annual fee is not 40 francs.", "contrary"),
        ("Often mountains rise slowly.", "unsupported"),
    ],
)
async def test_what_the_passages_do_not_hold_is_taken_out(home: House, sentence: str, reason: str) -> None:
    got = await drafted(home, f"The annual fee is 40 francs. {sentence} Late payment costs 5 francs.")
    answer = got.answer
    assert answer.text == "The annual fee is 40 francs. [1] Late payment costs 5 francs. [2]"
    assert [(str(each.outcome), each.reason) for each in answer.sentences] == [("cited", ""), ("removed", reason), ("cited", "")]
    facts = stage(await home.end(answer.call.request), "checked")
    assert facts["mode"] == "draft"
    sentences = facts["sentences"]
    assert isinstance(sentences, list)
    assert sentences[1] == {"outcome": "removed", "reason": reason, "cites": [], "score_ppm": sentences[1]["score_ppm"]}  # type: ignore[index, call-overload]
    assert answer.drafted == {"mode": "draft", "sentences": sentences}  # what the asker is shown is what was recorded
    assert sentence not in str(await home.records(answer.call.request))


async def test_a_service_may_flag_what_is_unsupported_but_never_what_is_made_up(home: House) -> None:
    text = "Often mountains rise slowly. The annual fee is 40 francs. The annual fee is 90 francs."
    answer = (await drafted(home, text, service="flags")).answer
    assert answer.text == "Often mountains rise slowly. [not in the sources] The annual fee is 40 francs. [1]"
    assert [str(each.outcome) for each in answer.sentences] == ["flagged", "cited", "removed"]


async def test_what_leans_on_a_removed_sentence_goes_with_it(home: House) -> None:
    answer = (await drafted(home, "The annual fee is 40 francs. The penalty is 99 francs. It is due in March.")).answer
    assert answer.text == "The annual fee is 40 francs. [1]"
    assert [each.reason for each in answer.sentences] == ["", "number", "leans"]


@pytest.mark.parametrize("text", ["Nobody knows.", "It costs 99 francs. It costs 98 francs.", " ", "[1] [2]"])
@pytest.mark.parametrize("service", ["draft", "flags"])
async def test_when_nothing_is_cited_the_answer_is_quoted(home: House, text: str, service: str) -> None:
    answer = (await drafted(home, text, service=service)).answer
    assert (answer.mode, answer.text) == (Mode.QUOTE, "The annual fee is 40 francs. [1]")
    assert [each.quote for each in answer.citations] == ["The annual fee is 40 francs."]
    assert answer.usage.output > 0
    assert answer.deployment == "obedient"
    assert answer.finish is FinishReason.STOP


async def test_what_the_sources_do_not_speak_of_is_asked_of_no_model(home: House) -> None:
    before = home.provider.state.asked
    answer = (await drafted(home, "Paris.", question="Which cheese ripens slowest anywhere?")).answer
    assert (answer.mode, answer.deployment) == (Mode.ABSTAIN, None)
    assert home.provider.state.asked == before


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_stream_sends_what_is_left_and_nothing_else(home: House, size: int) -> None:
    text = "The annual fee is 40 francs [1]. The director earns 9000 francs. Late payment costs 5 francs"
    got = await drafted(home, text, stream=True, size=size)
    assert got.text == got.answer.text == "The annual fee is 40 francs. [1] Late payment costs 5 francs [2]"
    assert "9000" not in "".join(got.deltas)


async def test_a_sentence_that_was_cut_off_is_not_given(home: House) -> None:
    home.provider.state.pieces = ["The annual fee is 40 francs.", " Late payment costs", " 5 francs."]
    answer = (await ask(received("draft", QUESTION, max_tokens=2), home.rooms)).answer
    assert answer.text == "The annual fee is 40 francs. [1]"
    assert (answer.finish, answer.sentences[-1].reason) == (FinishReason.LENGTH, "unfinished")


async def test_the_model_sees_numbered_clean_passages_and_the_services_own_prompt(home: House) -> None:
    await drafted(home, "x", question="What is the contact address for refunds and who pays the annual fee?")
    messages = home.provider.state.last["messages"]
    assert isinstance(messages, list)
    told = messages[0]["content"]
    assert told.startswith("Be kind.\n\n")
    assert "[1]\n" in told
    assert FEES in told
    assert MAIL not in told
    assert "[EMAIL_1]" in told
    assert [each["role"] for each in messages] == ["system", "user"]


async def test_a_masked_value_is_cited_where_it_stands_and_undone_for_those_who_may(home: House) -> None:
    text = "The contact address for refunds is [EMAIL_1] and nobody else."
    answer = (await drafted(home, text, question="What is the contact address for refunds?")).answer
    assert answer.mode is Mode.DRAFT
    (cited,) = answer.citations
    assert cited.quote == f"The contact address for refunds is {MAIL} and nobody else."
    assert (cited.start, cited.end) == (100, 100 + len(cited.quote))
    assert answer.text == f"{cited.quote} [1]"
    invented = (await drafted(home, text.replace("_1]", "_2]"), question="What is the contact address for refunds?")).answer
    assert (invented.mode, invented.sentences[0].reason) == (Mode.QUOTE, "number")


async def test_passages_that_no_deployment_may_have_are_quoted(home: House) -> None:
    answer = (await drafted(home.forbidding(("place", "obedient")), "x")).answer
    assert (answer.mode, answer.deployment) == (Mode.QUOTE, None)
    facts = stage(await home.end(answer.call.request), "routed")
    assert facts["rejected"] == [{"deployment": "obedient", "reason": "it may not be given these passages"}]


class Away:
    """Port EvidenceChecker, when the knowledge process is down."""

    async def check(self, sentences: Sequence[str], passages: Sequence[Evidence]) -> Sequence[Verdict]:
        del sentences, passages
        message = "The knowledge process is not there."
        raise Unavailable(message, code="internal.knowledge_unavailable")


async def test_what_cannot_be_checked_is_not_given(home: House) -> None:
    with pytest.raises(Unavailable):
        await drafted(home.with_(checker=Away()), "The annual fee is 40 francs.", stream=True)


async def test_the_models_word_that_the_passages_do_not_answer_is_an_abstention(home: House) -> None:
    answer = (await drafted(home, "NOT IN THE PASSAGES.")).answer
    assert (answer.mode, answer.text) == (Mode.ABSTAIN, "I did not find this in the sources that you may read.")
    assert [each.reason for each in answer.sentences] == ["declined"]
    assert answer.nearest[0].document == "handbook/fees.md"
    beside = (await drafted(home, "The annual fee is 40 francs. NOT IN THE PASSAGES")).answer
    assert (beside.mode, beside.text) == (Mode.DRAFT, "The annual fee is 40 francs. [1]")


async def test_lists_stay_lists_and_the_same_place_has_one_number(home: House) -> None:
    text = "- The annual fee is 40 francs.\n\n2. Late payment costs 5 francs.\nThe annual fee is 40 francs."
    answer = (await drafted(home, text)).answer
    assert answer.text == "- The annual fee is 40 francs. [1]\n\n- Late payment costs 5 francs. [2]\nThe annual fee is 40 francs. [1]"


@dataclass(frozen=True)
class Headed:
    """Port Retriever: the passages in memory, under a heading."""

    heading: str

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        found = await TEXTS.find(question, scope, limit, quotes=quotes, scores=scores)
        return replace(found, passages=tuple(replace(each, heading=self.heading) for each in found.passages))


@pytest.mark.parametrize(("heading", "shown"), [("What it costs", "[1] What it costs\n"), (f"Key {SECRET}", "[1]\n")])
async def test_headings_are_shown_unless_a_guard_refuses_them(home: House, heading: str, shown: str) -> None:
    await drafted(home.with_(retriever=Headed(heading)), "x")
    messages = home.provider.state.last["messages"]
    assert isinstance(messages, list)
    assert f"{shown}{FEES}" in messages[0]["content"]


@pytest.mark.parametrize(("deployment", "shown"), [("small", 1), ("roomy", 3)])
async def test_a_small_context_is_shown_fewer_passages(home: House, deployment: str, shown: int) -> None:
    made = home.rooms.workspace
    form = made.services["flags"].model_copy(update={"models": (ModelChoice(deployment=deployment),)})
    small = home.with_(workspace=made.model_copy(update={"services": {**made.services, "flags": form}}))
    answer = (await drafted(small, "x", service="flags")).answer
    facts = stage(await home.end(answer.call.request), "routed")
    assert facts["shown"] == shown
    assert (answer.mode, answer.deployment) == (Mode.QUOTE, deployment)
