"""What every EvidenceChecker does. Fixture to give: `checker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.core.values import Evidence
from headrace.testing.passages import HOSTILE

if TYPE_CHECKING:
    from headrace.core.ports import EvidenceChecker

FEES = Evidence("Membership > Fees", "The annual fee is CHF 1,000. It is due on 3 March 2024. Late payment costs between 5 and 9 francs.")
PETS = Evidence("", "Dogs may be brought to the office on Fridays. Cats are not allowed. Ask Ana M. Muster of the front desk.")
PASSAGES = (FEES, PETS)


class EvidenceCheckerContract:
    """The port EvidenceChecker."""

    @pytest.mark.parametrize(
        ("sentence", "passage", "span"),
        [
            ("The annual fee is CHF 1,000.", 0, "The annual fee is CHF 1,000."),
            ("The annual fee is one thousand francs.", 0, "The annual fee is CHF 1,000."),
            ("Dogs may be brought to the office on Fridays.", 1, "Dogs may be brought to the office on Fridays."),
        ],
    )
    async def test_what_a_passage_says_is_supported_and_named(
        self, checker: EvidenceChecker, sentence: str, passage: int, span: str
    ) -> None:
        """Spans are characters of the passage as it was given."""
        (verdict,) = await checker.check([sentence], PASSAGES)
        assert verdict.reason == ""
        assert not verdict.never
        first = verdict.spans[0]
        assert (first.passage, PASSAGES[first.passage].text[first.start : first.end]) == (passage, span)
        assert 0 < verdict.score <= 1

    @pytest.mark.parametrize(
        "sentence",
        [
            "The annual fee is CHF 1,001.",
            "The annual fee is EUR 1,000.",
            "The annual fee is due on 4 March 2024.",
            "Late payment costs 7 francs.",
            "Late payment costs between 5 and 8 francs.",
            "Late payment costs two francs.",
            "Ask Otto Muster of the front desk.",
            "Ask Ana M. Muster of the Zurich office.",
            "Write to ana@example.org of the front desk.",
            "Dogs may not be brought to the office on Fridays.",
            "Cats are allowed.",
            "Did you know that the annual fee is CHF 1,001?",
            "May dogs be brought to Otto Muster?",
            "The annual fee is fortyone francs.",
            "The annual fee rose tenfold on 3 March 2024.",
            "Late payment costs ⅷ francs.",
            "Late payment costs between 5\u200b0 and 9 francs.",
            "The monthly fee is CHF 1,000.",
            "Dogs may be brought to the office on mondays.",
            "Ask our partner zentrix of the front desk.",
            "May dogs be brought to zentrix?",
            "Dogs may be brought to the office on Fridays" + ", as the members of the office know" * 100 + ", says zentrix.",
            "Dogs may be brought to the office on Fridays: see evil｡com and evil．com",
            "The annual fee is CHF 1,001" + ", as the members of the office know" * 100 + ".",
        ],
    )
    async def test_what_no_passage_holds_is_never_let_through(self, checker: EvidenceChecker, sentence: str) -> None:
        """Figures, units, dates, ranges, names, addresses, and what denies the evidence; also where nothing could be cited anyway."""
        (verdict,) = await checker.check([sentence], PASSAGES)
        assert verdict.never
        assert verdict.spans == ()

    async def test_what_is_of_something_else_is_unsupported(self, checker: EvidenceChecker) -> None:
        """It may be flagged."""
        (verdict,) = await checker.check(["Often the mountains rise slowly above the valley."], PASSAGES)
        assert verdict.reason == "unsupported"
        assert not verdict.never

    async def test_each_verdict_depends_on_its_sentence_alone(self, checker: EvidenceChecker) -> None:
        """Together, one by one, or in another order."""
        sentences = ["The annual fee is CHF 1,000.", "Cats are allowed.", "Late payment costs 7 francs.", "Dogs may come on Fridays."]
        together = list(await checker.check(sentences, PASSAGES))
        assert [each for sentence in sentences for each in await checker.check([sentence], PASSAGES)] == together
        assert list(await checker.check(sentences[::-1], PASSAGES)) == together[::-1]

    async def test_nothing_is_supported_by_nothing(self, checker: EvidenceChecker) -> None:
        """No passages, or empty ones."""
        assert list(await checker.check([], PASSAGES)) == []
        for passages in ((), (Evidence("", ""),), (Evidence("Fees", "# Fees"),)):
            (verdict,) = await checker.check(["Fees are due."], passages)
            assert verdict.reason

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_any_text_can_be_checked(self, checker: EvidenceChecker, text: str) -> None:
        """As a sentence and as a passage."""
        verdicts = await checker.check([text, "The fee is 40 francs."], [Evidence(text, text), FEES])
        assert len(verdicts) == 2
        for verdict in verdicts:
            assert 0 <= verdict.score <= 1
            for span in verdict.spans:
                assert 0 <= span.start < span.end <= len((text, FEES.text)[span.passage])
