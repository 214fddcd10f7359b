"""Whatever a model writes and the passages hold: what leaves has no figure and no name that they lack, and chunking changes nothing."""

from __future__ import annotations

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.values import Evidence
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.checking.everyday import EVERYDAY
from headrace.knowledge.checking.figures import Figures
from headrace.knowledge.checking.folded import bare
from headrace.knowledge.checking.names import Names
from headrace.knowledge.quoting.reading import Readings
from headrace.pipeline.pieces import Pieces
from tests.support.examples import some
from tests.support.quoting import WordEmbedder

CHECKER = Checker(Readings(WordEmbedder(), 1 << 20), ThreadPoolExecutor(1))
WORDS = st.sampled_from([
    "the", "annual", "fee", "is", "due", "costs", "dogs", "may", "not", "office", "Ana", "Muster", "Zurich", "WHO", "iPhone", "a@b.ch",
    "40", "41", "1,000", "thousand", "two", "one", "francs", "euros", "days", "3 March 2024", "10:30", "5-7", "A-113", "٣", "三", "½",
    "[EMAIL_1]",     "x_1", "+41 44 123 45 67", "at least", "between", "and", "Ünal", "O'Brien", "U.S.", "e.g.", "It", "They",
])  # fmt: skip
SENTENCES = st.lists(st.one_of(WORDS, st.text(max_size=6)), min_size=1, max_size=8).map(" ".join)
ENDS = st.sampled_from([". ", "! ", "?\n", "\n", "\n\n", ": ", " [1]. ", " [2][3]\n- ", "\n1. ", "... ", "。", ' ."', ""])
DRAFTS = st.lists(st.tuples(SENTENCES, ENDS), max_size=8).map(lambda parts: "".join(one + end for one, end in parts))


@given(SENTENCES, st.lists(SENTENCES, min_size=1, max_size=3))
@settings(max_examples=some(300))
def test_what_is_supported_holds_no_digit_and_no_capital_that_the_passages_lack(sentence: str, texts: list[str]) -> None:
    passages = [Evidence("", text) for text in (*texts, sentence.lower()[: len(sentence) // 2])]
    (verdict,) = CHECKER.verdicts([sentence], passages)
    if verdict.reason:
        assert not verdict.spans
        return
    held = unicodedata.normalize("NFKC", " ".join(each.text for each in passages))
    digits = {unicodedata.decimal(each) for each in held if each.isdecimal()}
    spelled = {"one", "two", "thousand", "a", "an", "each"} & set(held.lower().split())
    for each in unicodedata.normalize("NFKC", sentence):
        assert not each.isdecimal() or unicodedata.decimal(each) in digits or spelled
    words = {bare(word) for word in re.findall(r"\w+(?:'\w+)*", held)}
    for word in re.findall(r"(?<=[a-z] )[A-Z]\w+", sentence):
        assert bare(word) in EVERYDAY or {bare(word), bare(word) + "s", bare(word).removesuffix("s")} & words


@given(SENTENCES)
@settings(max_examples=some(300))
def test_a_text_holds_its_own_figures_and_names(text: str) -> None:
    assert Figures(text).lacking(text) == []
    assert Names(text).lacking(text) == []


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_number_stands_for_another(one: int, other: int) -> None:
    for said in (f"{other}", f"{other:,}", f"{other} francs"):
        assert bool(Figures(f"It costs {one} francs.").lacking(f"It costs {said}.")) == (one != other)


@given(DRAFTS, st.data())
@settings(max_examples=some(300))
def test_sentences_are_the_same_for_any_chunking(draft: str, data: st.DataObject) -> None:
    whole = Pieces()
    expected = [*whole.push(draft), *whole.finish()]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(draft)), max_size=12)))
    pieces = Pieces()
    found = [piece for start, end in zip([0, *cuts], [*cuts, len(draft)], strict=True) for piece in pieces.push(draft[start:end])]
    assert [*found, *pieces.finish()] == expected
