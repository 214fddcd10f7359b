"""The one door: what comes out clean, and what is said when nothing does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from headrace.core.errors import Refused
from headrace.core.labels import Label
from headrace.core.text import Action, Origin, RawText
from headrace.guardrails.catalogue import guards
from headrace.guardrails.door import excerpt, screen, seams
from headrace.guardrails.masks import MaskTable
from headrace.guardrails.spans import Span
from tests.support.guards import made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Detected, Guard

GUARDS = guards()
LABEL = Label("default")
MAIL = "ana.muster@example.org"
KEY = made("ghp_{w36}")
MASKING: tuple[tuple[Guard, Action], ...] = ((GUARDS["secrets"], Action.REFUSE), (GUARDS["pii"], Action.MASK))


class Words(NamedTuple):
    """A guard of fixed words."""

    name: str
    words: dict[str, float]
    version: str = "1"
    reach: int = 32

    def inspect(self, text: str) -> Sequence[Detected]:
        found = [Span(self.name, text.index(word), text.index(word) + len(word), sure) for word, sure in self.words.items() if word in text]
        return sorted(found, key=lambda each: each.start)

    def settled(self, text: str, found: Sequence[Detected]) -> int:
        return max(0, len(text) - self.reach)


def clean(text: str, *rules: tuple[Guard, Action], origin: Origin = Origin.PROMPT) -> tuple[str, list[tuple[str, int, int, Action]]]:
    """The clean text, and the findings in short."""
    out, findings = screen(RawText(text, origin, 2), LABEL, rules, MaskTable())
    assert (out.origin, out.part, out.label) == (origin, 2, LABEL)
    return out.text, [(each.kind, each.start, each.end, each.action) for each in findings]


def test_clean_text_passes_as_it_is() -> None:
    assert clean("Nothing to see.", *MASKING) == ("Nothing to see.", [])
    assert clean(f"{KEY} {MAIL}") == (f"{KEY} {MAIL}", [])


def test_matches_become_masks() -> None:
    assert clean(f"{MAIL} and +41 (0)44 668 18 00, {MAIL}", *MASKING)[0] == "[EMAIL_1] and [PHONE_1], [EMAIL_1]"


def test_flags_are_told_and_change_nothing() -> None:
    text = f"Mail {MAIL}"
    assert clean(text, (GUARDS["pii"], Action.FLAG)) == (text, [("email", 5, len(text), Action.FLAG)])


def test_masks_that_overlap_hide_all_that_any_guard_saw() -> None:
    first, second = Words("first", {"bcd": 0.5}), Words("second", {"def": 1.0})
    assert clean("abcdefg", (first, Action.MASK), (second, Action.MASK)) == (
        "a[FIRST_1][SECOND_1]g",
        [("first", 1, 4, Action.MASK), ("second", 4, 6, Action.MASK)],
    )


def test_what_is_masked_already_is_not_told_again() -> None:
    wide, narrow, flag = Words("wide", {"bcdef": 1.0}), Words("narrow", {"cd": 1.0}), Words("flag", {"de": 1.0})
    assert clean("abcdefg", (narrow, Action.MASK), (flag, Action.FLAG), (wide, Action.MASK)) == (
        "a[WIDE_1]g",
        [("wide", 1, 6, Action.MASK)],
    )


def test_of_those_that_start_together_the_stronger_then_the_surer_then_the_longer_counts() -> None:
    sure, long, other = Words("sure", {"bc": 1.0}), Words("long", {"bcd": 0.5}), Words("other", {"bcde": 0.5})
    assert clean("abcdefg", (long, Action.MASK), (sure, Action.MASK), (other, Action.MASK))[0] == "a[SURE_1][OTHER_1]fg"
    assert clean("abcdefg", (other, Action.FLAG), (sure, Action.MASK))[0] == "a[SURE_1]defg"


def test_a_refusal_is_not_outdone_by_a_mask_around_it() -> None:
    wide, narrow = Words("wide", {"bcdef": 1.0}), Words("narrow", {"cd": 1.0})
    with pytest.raises(Refused) as raised:
        clean("abcdefg", (wide, Action.MASK), (narrow, Action.REFUSE))
    assert raised.value.code == "guard.narrow"
    assert "a text that may not pass: narrow" in raised.value.message


def test_a_refusal_says_what_where_and_what_to_do_and_repeats_nothing() -> None:
    text = f"My key is {KEY}, mail {MAIL}."
    with pytest.raises(Refused) as raised:
        screen(RawText(text, Origin.PROMPT, 3), LABEL, MASKING, MaskTable())
    refused = raised.value
    assert refused.message == "Your message holds what looks like a credential: github token, characters 10 to 50. It was stopped there."
    assert (refused.code, refused.param) == ("guard.secrets", "messages[3]")
    assert refused.mend is not None
    assert "Take it out" in refused.mend
    assert "change it" in refused.mend
    assert not any(word in str(refused) + str(refused.facts) for word in (KEY, KEY[:12], MAIL))
    findings = refused.facts["findings"]
    assert isinstance(findings, tuple)
    assert [(each.guard, each.kind, each.start, each.end, each.part) for each in findings] == [
        ("secrets", "github_token", 10, 50, 3),
        ("pii", "email", 57, 79, 3),
    ]


@pytest.mark.parametrize(("origin", "words"), [(Origin.PASSAGE, "A document holds"), (Origin.OUTPUT, "The answer held")])
def test_where_it_was_is_said(origin: Origin, words: str) -> None:
    with pytest.raises(Refused) as raised:
        screen(RawText(f"{MAIL} {MAIL}", origin), LABEL, [(GUARDS["pii"], Action.REFUSE)], MaskTable())
    assert raised.value.message == f"{words} what looks like personal data: email, characters 0 to 22, and 1 more. It was stopped there."
    assert raised.value.param is None
    assert raised.value.mend is not None
    assert "change it" not in raised.value.mend


def test_what_looks_like_a_mask_stays_what_it_is() -> None:
    masks = MaskTable()
    out, _ = screen(RawText(f"Is [EMAIL_1] {MAIL}?", Origin.PROMPT), LABEL, MASKING, masks)
    assert out.text == "Is [EMAIL_1] [EMAIL_2]?"
    assert masks.unmask(out.text) == (f"Is [EMAIL_1] {MAIL}?", 1)


def test_an_excerpt_is_masked_as_the_whole_is() -> None:
    masks = MaskTable()
    raw = RawText("Phone: 451 5986. Mail ana@x.org now.", Origin.PASSAGE, 4)
    whole, _ = screen(raw, LABEL, MASKING, masks)
    assert whole.text == "Phone: [PHONE_1]. Mail [EMAIL_1] now."

    def part(start: int, end: int) -> str:
        out = excerpt(raw, (start, end), LABEL, MASKING, masks)
        assert (out.label, out.origin, out.part) == (LABEL, Origin.PASSAGE, 4)
        return out.text

    assert (part(7, 16), part(17, 36), part(0, 6)) == ("[PHONE_1].", "Mail [EMAIL_1] now.", "Phone:")
    assert (part(7, 10), part(11, 27)) == ("[PHONE_2]", "[PHONE_3]. Mail [EMAIL_2]")
    assert masks.unmask(part(7, 10) + part(11, 27)) == ("451" + "5986. Mail ana@x", 3)


def test_seams_say_where_masks_stand_and_flags_leave_none() -> None:
    flag, mask = Words("flag", {"bc": 1.0}), Words("mask", {"ef": 1.0})
    made = seams(RawText("abcdefg", Origin.PASSAGE, 1), ((flag, Action.FLAG), (mask, Action.MASK)), MaskTable())
    assert [(each.at, each.until, each.start, each.end) for each in made] == [(4, 4 + len("[MASK_1]"), 4, 6)]
