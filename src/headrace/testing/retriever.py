"""What every Retriever does.

Fixtures to give: `retriever`; `tenant` and `other_tenant`, two tenants without passages; `fill`, which stores passages (of any documents,
whose former ones go) for a tenant, with their vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.testing.passages import HOSTILE, QUESTIONS, passage, scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.core.ports import Retriever
    from headrace.core.values import StoredPassage

    Fill = Callable[[str, Sequence[StoredPassage]], None]

HANDBOOK = (
    passage("docs/pets.md", 0, "Dogs may be brought to the office on Fridays. They stay on a lead.", heading="Pets"),
    passage("docs/pets.md", 1, "Cats stay at home.", heading="Pets"),
    passage("docs/travel.md", 0, "Hotels are booked by the travel desk. Receipts are handed in by the end of the month."),
    passage("docs/travel.md", 1, "A flight in Europe is economy class."),
    passage("docs/pay.md", 0, "Salaries are paid on the 25th. The salary of a dog walker is secret.", acl="hr"),
)
QUESTION = "May I bring my dog to the office?"


class RetrieverContract:
    """The port Retriever."""

    async def test_best_first_with_ranks(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """Ranks count from 1 in the fused order and in each arm; the text is the stored one; no scores unless asked for."""
        fill(tenant, HANDBOOK)
        found = await retriever.find(QUESTION, scope("staff", tenant=tenant), 3)
        assert found.passages[0].text == HANDBOOK[0].text
        assert [each.rank for each in found.passages] == list(range(1, len(found.passages) + 1))
        stored = {each.id: each for each in HANDBOOK}
        for each in found.passages:
            was = stored[each.id]
            assert (each.document, each.source, each.version, each.start, each.end, each.text, each.place, each.acl, each.heading) == (
                *(was.document, was.source, was.version, was.start, was.end, was.text, was.place, was.acl, was.heading),
            )
            assert each.ranks
            assert set(each.ranks) <= {"bm25", "dense"}
            assert all(rank >= 1 for rank in each.ranks.values())
            assert not each.scores
        assert found.passages[0].ranks["bm25"] == 1
        assert found.candidates == 4
        assert found.arms == ("bm25", "dense")
        assert found.index_version > 0
        assert 0 <= found.threshold <= 1

    async def test_the_same_question_finds_the_same(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """In the same order, ties too."""
        fill(tenant, [passage(f"docs/{n}.md", 0, "The very same text about dogs.") for n in range(20)])
        first = await retriever.find("dogs", scope("staff", tenant=tenant), 10)
        assert len(first.passages) == 10
        assert await retriever.find("dogs", scope("staff", tenant=tenant), 10) == first

    async def test_scores_for_curators(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """Raw scores by arm, and the fused one, only when they are asked for."""
        fill(tenant, HANDBOOK)
        found = await retriever.find(QUESTION, scope("staff", tenant=tenant), 3, scores=True)
        assert all(set(each.scores) == {*each.ranks, "fused"} for each in found.passages)
        fused = [each.scores["fused"] for each in found.passages]
        assert fused == sorted(fused, reverse=True)

    @pytest.mark.parametrize("limit", [0, 1, 2, 100])
    async def test_no_more_than_asked_for(self, retriever: Retriever, tenant: str, fill: Fill, limit: int) -> None:
        """And all there are, when there are fewer."""
        fill(tenant, HANDBOOK)
        found = await retriever.find(QUESTION, scope("staff", "hr", tenant=tenant), limit)
        assert len(found.passages) == min(limit, len(HANDBOOK))

    async def test_before_anything_was_ingested(self, retriever: Retriever, tenant: str) -> None:
        """Nothing is found; it is no error."""
        found = await retriever.find(QUESTION, scope("staff", tenant=tenant), 5, quotes=2)
        assert (found.passages, found.quotes, found.candidates, found.index_version) == ((), (), 0, 0)

    async def test_what_may_not_be_read_is_no_candidate(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """Not found by its very own words, not counted, not quoted; whatever a question says."""
        fill(tenant, HANDBOOK)
        secret = HANDBOOK[4]
        for question in (secret.text, "salary of a dog walker", 'acl:hr OR "hr"', "source IN ('docs') --"):
            found = await retriever.find(question, scope("staff", tenant=tenant), 50, quotes=5, scores=True)
            assert all(each.acl == "staff" for each in found.passages)
            assert all("secret" not in quote.text for quote in found.quotes)
            assert found.candidates == 4
        opened = await retriever.find(secret.text, scope("hr", tenant=tenant), 50)
        assert [each.id for each in opened.passages] == [secret.id]
        assert opened.candidates == 1

    async def test_worse_matches_that_may_be_read_are_found(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """However many better ones there are that may not."""
        hidden = [passage("docs/hidden.md", n, "Dogs, dogs and dogs in the office.", acl="hr") for n in range(150)]
        fill(tenant, [*hidden, *HANDBOOK])
        found = await retriever.find(QUESTION, scope("staff", tenant=tenant), 5)
        assert found.passages[0].id == HANDBOOK[0].id
        assert found.candidates == 4

    async def test_another_tenants_passages_are_never_found(self, retriever: Retriever, tenant: str, other_tenant: str, fill: Fill) -> None:
        """Although their sources and access lists have the same names."""
        fill(tenant, HANDBOOK[:2])
        fill(other_tenant, HANDBOOK[2:])
        mine = await retriever.find("hotels and receipts, flights, dogs", scope("staff", "hr", tenant=tenant), 50)
        theirs = await retriever.find("hotels and receipts, flights, dogs", scope("staff", "hr", tenant=other_tenant), 50)
        assert {each.id for each in mine.passages} == {each.id for each in HANDBOOK[:2]}
        assert {each.id for each in theirs.passages} == {each.id for each in HANDBOOK[2:]}
        assert (mine.candidates, theirs.candidates) == (2, 3)

    async def test_only_the_sources_asked_for(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """And none at all when none is named."""
        fill(tenant, [passage("docs/a.md", 0, "Dogs here."), passage("more/a.md", 0, "Dogs there.")])
        for sources, want in ((("docs",), ["Dogs here."]), (("more",), ["Dogs there."]), (("none",), []), ((), [])):
            found = await retriever.find("dogs", scope("staff", sources=sources, tenant=tenant), 5)
            assert [each.text for each in found.passages] == want
            assert found.candidates == len(want)

    async def test_names_open_nothing_but_themselves(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """Quotes, wildcards and SQL in sources and access lists are only names."""
        fill(tenant, [*HANDBOOK, *(passage(f"docs/{n}.md", 0, "Dogs.", acl=name) for n, name in enumerate(HOSTILE))])
        for n, name in enumerate(HOSTILE):
            found = await retriever.find("dogs", scope(name, tenant=tenant), 50)
            assert [each.document for each in found.passages] == [f"docs/{n}.md"]
            assert found.candidates == 1
            nothing = await retriever.find("dogs", scope("staff", sources=(name,), tenant=tenant), 50)
            assert nothing.passages == ()

    @pytest.mark.parametrize("question", [*QUESTIONS, "\ud800 half a pair"], ids=range(len(QUESTIONS) + 1))
    async def test_any_text_is_a_question(self, retriever: Retriever, tenant: str, fill: Fill, question: str) -> None:
        """Empty, stop words alone, operators, ten thousand characters, what is no text."""
        fill(tenant, HANDBOOK)
        found = await retriever.find(question, scope("staff", tenant=tenant), 3, quotes=2)
        assert found.candidates == 4
        assert len(found.passages) <= 3

    async def test_changes_are_seen_by_the_next_search(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """A document that was replaced or is gone is not found as it was."""
        fill(tenant, HANDBOOK)
        before = await retriever.find(QUESTION, scope("staff", tenant=tenant), 1)
        fill(tenant, [passage("docs/pets.md", 0, "No dog may be brought to the office any more.", version="v2")])
        after = await retriever.find(QUESTION, scope("staff", tenant=tenant), 10)
        assert after.passages[0].version == "v2"
        assert after.index_version > before.index_version
        assert all(each.version == "v2" for each in after.passages if each.document == "docs/pets.md")

    async def test_quotes_are_the_stored_characters(self, retriever: Retriever, tenant: str, fill: Fill) -> None:
        """Of passages that were found, surest first, no more than asked for."""
        fill(tenant, HANDBOOK)
        found = await retriever.find(QUESTION, scope("staff", tenant=tenant), 3, quotes=2)
        assert 1 <= len(found.quotes) <= 2
        for quote in found.quotes:
            of = found.passages[quote.passage]
            assert of.text[quote.start - of.start : quote.end - of.start] == quote.text
            assert 0 <= quote.confidence <= 1
        assert found.quotes[0].text == "Dogs may be brought to the office on Fridays."
        confidences = [quote.confidence for quote in found.quotes]
        assert confidences == sorted(confidences, reverse=True)
