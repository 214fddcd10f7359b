"""Whatever the passages say: their own sentences are let through, and no figure of theirs as another; in time in proportion to the text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headrace.core.values import Evidence
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.checking.figures import Figures
from headrace.knowledge.checking.names import Names
from headrace.knowledge.checking.unknown import unknown, windows
from headrace.knowledge.passages.sentences import sentences
from headrace.knowledge.quoting.reading import Readings
from tests.support.examples import some
from tests.support.growth import PROPORTIONAL, growth
from tests.support.quoting import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKER = Checker(Readings(WordEmbedder(), 1 << 20), ThreadPoolExecutor(1))
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
PLAIN = st.sampled_from([
    "the annual fee", "members", "is due", "may cost", "at least", "no more than", "between", "and", "to", "or more", "up to", "over",
    "once",
    "twice a week", "tenfold", "a half", "and a half", "one of", "on Monday", "March", "per cent", "percentage points", "of May",
    "the third",
    "$", "CHF", "-", "(b)", "§", "~", "©", "☎", "a", "an hour", "WHO", "Ana Muster", "e.g.", "“so”", "a@b.ch", "v1.2.3", "°C", "µg",
    "١٢", "三百", "ⅷ", "XIV", "3½", "10⁶", "40¹", "12(3)(b)", "+41 44 123 45 67", "17:00 CET", "2024-03-03", "03/04/2024", "1,000", "5-7",
    "\u200b", "\u202e", "שלום", "日本語", "שלום 12", "```", "|", "_x_", "[1]", "\n", "\n- ", "。", "!", "?", ":", ";", "A-113", "№ 5", "0",
])  # fmt: skip
TEXTS = st.lists(st.one_of(PLAIN, st.integers(0, 10**7).map(str), st.text(max_size=5)), max_size=14).map(" ".join)
ENDINGS = st.sampled_from([". ", "! ", "。", ".\n", "\n\n", "; ", " "])
PASSAGES = st.lists(st.tuples(TEXTS, ENDINGS), min_size=1, max_size=6).map(lambda parts: "".join(map("".join, parts)))


@given(PASSAGES)
@settings(max_examples=some(600))
def test_a_passage_holds_the_figures_and_names_of_its_sentences(text: str) -> None:
    figures, names = Figures(text), Names(text)
    for start, end in sentences(text, 0, len(text)):
        said = text[start:end]
        assert figures.lacking(said) == []
        assert names.lacking(said, unknown(said, [])) == []


def spelled(value: int) -> str:
    """In words, up to 999,999."""
    if value >= 1000:
        return f"{spelled(value // 1000)} thousand" + (f" {spelled(value % 1000)}" if value % 1000 else "")
    if value >= 100:
        return f"{spelled(value // 100)} hundred" + (f" and {spelled(value % 100)}" if value % 100 else "")
    return ONES.split()[value] if value < 20 else TENS.split()[value // 10 - 2] + (f"-{spelled(value % 10)}" if value % 10 else "")


def roman(value: int) -> str:
    """In small Roman letters, from 2 to 39."""
    return "x" * (value // 10) + ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"][value % 10]


def signs(text: str, zero: int) -> str:
    """With the digits of another script."""
    return "".join(chr(zero + int(each)) if each.isdigit() else each for each in text)


FORMS: dict[str, Callable[[int], str]] = {
    "digits": str,
    "commas": lambda value: f"{value:,}",
    "apostrophes": lambda value: f"{value:,}".replace(",", "’"),
    "spaces": lambda value: f"{value:,}".replace(",", "\u202f"),
    "words": spelled,
    "words run together": lambda value: spelled(value).replace(" and ", " ").replace("-", "").replace(" ", ""),
    "invisible": lambda value: "\u200b".join(str(value)),
    "struck": lambda value: "\u0336".join(str(value)),
    "full width": lambda value: signs(str(value), 0xFF10),
    "Devanagari": lambda value: signs(str(value), 0x966),
    "mathematical": lambda value: signs(str(value), 0x1D7D8),
    "circled": lambda value: signs(str(value), 0x2460 - 1).replace("\u245f", "\u24ea"),
    "keycaps": lambda value: "".join(f"{each}\ufe0f\u20e3" for each in str(value)),
    "hyphen": lambda value: f"{value}-franc",
    "francs": lambda value: f"{value} francs",
    "CHF": lambda value: f"CHF {value}",
}


@given(st.integers(2, 999_999), st.integers(2, 999_999), st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(FORMS)))
@settings(max_examples=some(800))
def test_no_figure_is_let_through_as_another_however_both_are_written(held: int, said: int, one: str, other: str) -> None:
    passages = [Evidence("", f"The fee for new members of the club is {FORMS[one](held)} in all. Dogs may be brought.")]
    (verdict,) = CHECKER.verdicts([f"The fee for new members of the club is {FORMS[other](said)} in all."], passages)
    if held != said:
        assert verdict.reason in {"number", "name"}
    elif one == other:
        assert verdict.reason != "number"


SAID: dict[str, Callable[[int], str]] = {
    "fold": lambda value: f"rises {spelled(value).replace(' ', '')}fold",
    "roman": lambda value: f"stands in chapter {roman(value)}",
    "Roman": lambda value: f"stands in chapter {roman(value).upper()}",
    "per cent": lambda value: f"is {value} %",
    "points": lambda value: f"rises by {value} percentage points",
    "half": lambda value: f"is {value}½ francs",
    "a half": lambda value: f"is {spelled(value)} and a half francs",
    "third": lambda value: f"takes {value}/7 of it",
    "minus": lambda value: f"is -{value} francs",
    "power": lambda value: f"is 10^{value} francs",
    "raised": lambda value: f"is 7{'⁰¹²³⁴⁵⁶⁷⁸⁹'[value % 10]}{'⁰¹²³⁴⁵⁶⁷⁸⁹'[value // 10]} francs",
    "version": lambda value: f"is of v1.{value}.3",
    "clause": lambda value: f"follows § 12({value})(b)",
    "time": lambda value: f"is due at 17:{value:02}",
    "zone": lambda value: f"is due at 17:00+{value:02}:00",
    "phone": lambda value: f"is told by +41 44 123 45 {value:02}",
    "range": lambda value: f"is from 1 to {value} francs",
    "day": lambda value: f"is due on {value % 27 + 1} March 2024",
    "ISO": lambda value: f"is due on 2024-03-{value % 27 + 1:02}",
    "year": lambda value: f"is due in March 20{value:02}",
    "code": lambda value: f"is on form A-{value}",
    "weight": lambda value: f"weighs {value} mg",
    "decimal": lambda value: f"weighs 7.{value:02} mg",
    "dollars": lambda value: f"costs ${value}",
    "nth": lambda value: f"is the {value}th one",
}


@pytest.mark.parametrize("form", SAID)
@given(st.integers(2, 38), st.integers(2, 38))
@settings(max_examples=some(60))
def test_no_value_is_let_through_as_another_in_any_kind_of_figure(form: str, held: int, said: int) -> None:
    assume(form not in {"day", "ISO"} or held % 27 != said % 27)
    texts = [f"What is due {SAID[form](value)}, as members know." for value in (held, said)]
    assert bool(Figures(texts[0]).lacking(texts[1])) == (held != said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("40 mg", "40 g"), ("40 mg", "40 µg"), ("40 km", "40 miles"), ("40 %", "40 percentage points"), ("$40", "€40"), ("40 €", "$40"),
        ("40 francs", "40 cents"), ("40 MB", "40 GB"), ("40 ms", "40 s"), ("40 m²", "40 m³"), ("40 km/h", "40 mi/h"), ("40 °C", "40 °F"),
        ("40 days", "40 weeks"), ("40-day", "40-hour"), ("forty-day", "forty-hour"), ("40 kWh", "40 kW"), ("CHF 40", "40 EUR"),
        ("A$40", "C$40"), ("40 times", "40 days"), ("40 ‰", "40 %"), ("40 MW", "40 kW"),
    ],
)  # fmt: skip
def test_no_unit_is_let_through_as_another(one: str, other: str) -> None:
    for held, said in ((one, other), (other, one)):
        assert Figures(f"What is due is {held}.").lacking(f"What is due is {said}.")
        assert not Figures(f"What is due is {said}.").lacking(f"What is due is {said}.")


WORK: dict[str, Callable[[str], object]] = {
    "figures": lambda text: Figures(text).lacking(text[:200]),
    "figures of a draft": lambda text: Figures("5").lacking(text),
    "names": lambda text: Names(text).lacking(text[:200]),
    "names of a draft": lambda text: Names("x").lacking(text),
    "unknown": lambda text: [unknown(part, []) for part in windows(text)],
}
REPEATED = [
    "one", "fortyone", "fold", "1,000", "1 ", "(a)", "12(3)", "(3)", "ⅷ", "½", "@", "。a", "-5", "and a half ", "a ", "x.", "A", "A ", "5-",
    "5 to ", "\u200b", "\u0336", "\u202e", "٣", "三", "twenty-", "m^2", "😀", "[1]", "| 1 ", "\n- ", "between 1 and ", "аa", "#a", "//a",
]  # fmt: skip


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("repeated", REPEATED)
def test_hostile_text_takes_time_in_proportion_to_its_length(work: str, repeated: str) -> None:
    assert growth(WORK[work], lambda many: repeated * many, some(8_000)) < PROPORTIONAL
