"""Whatever the passages and the question: quotes are exact stored characters, apart, and the same each time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.knowledge.passages.plain import plain
from headrace.knowledge.passages.sentences import sentences, units
from headrace.knowledge.quoting.quote import Quoter
from headrace.knowledge.quoting.reading import SEEN, Readings
from tests.support.examples import some
from tests.support.quoting import WordEmbedder, check, passage

PIECES = st.sampled_from([
    "# Title\n", "## What is it?\n", "Under\n=====\n", "---\n", "```sh\nrun --now\n```\n", "```\n", "| a | b |\n|---|---|\n| c | d |\n",
    "- item one\n", "  - nested. Twice.\n", "1. step\n", "10) step\n", "> quoted words\n", "* [x] done\n", "To do so:\n", "How so?\n",
    "It is so. ", "They left. ", "A sentence. Another one! 3.5 km, e.g. here.\n", 'See [the page](https://example.org/a_(b)?c=d "t"). ',
    "<!-- never\nshown -->", '{% page "/x" %}', "{{ name }}", "<b>bold</b> ", "![image](x.png)\n", "**strong** and _soft_ snake_case\n",
    "\n", "\r\n", "\r", "\n\n", " ", "\t", "word " * 90, "x" * 300, "你好。世界！" * 20,
    "한국어 문장입니다. ", "مرحبا بالعالم؟ ", "é́", "\u2028", "\x0b", "👩‍👩‍👧", "ﬁ½", "#", "`", "|", ".", "…", "?", ":",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("".join))
QUESTIONS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=4).map("".join), st.sampled_from(["What is it?", "item one", "?"]))


@given(TEXTS, st.data())
def test_sentences_follow_each_other_without_a_gap(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    at = start
    for begin, stop in sentences(text, start, end):
        assert begin == at < stop <= end
        at = stop
    assert at == end


@given(TEXTS)
def test_the_plain_text_is_as_long_and_differs_only_in_blanks(text: str) -> None:
    bare = plain(text)
    assert len(bare) == len(text)
    assert all(there in (here, " ") for here, there in zip(text, bare, strict=True))


@given(TEXTS)
@settings(max_examples=some(300))
def test_units_are_apart_in_order_and_shown_with_no_less_than_themselves(text: str) -> None:
    at = 0
    for unit in units(text):
        assert at <= unit.start < unit.end <= len(text)
        assert 0 <= unit.shown_start <= unit.start
        assert unit.end <= unit.shown_end <= len(text)
        assert text[unit.start : unit.end] == text[unit.start : unit.end].strip()
        at = unit.end


@given(TEXTS, st.text(max_size=20))
@settings(max_examples=some(200))
def test_a_reading_holds_every_unit_within_its_tokens(text: str, heading: str) -> None:
    _, (reading,) = Readings(WordEmbedder(most=10_000), 1 << 20).of("question", [passage(text, heading=heading)])
    assert len(reading.offsets) == len(reading.vectors)
    assert [list(each) for each in reading.offsets] == sorted(list(each) for each in reading.offsets)
    for unit, first, last in zip(reading.units, reading.starts, reading.ends, strict=True):
        inside = reading.offsets[first:last]
        assert unit.start <= inside[0][0] < inside[-1][1] <= unit.end
        seen = "".join(text[begin:end] for begin, end in inside)
        assert seen == "".join(each for each in plain(text)[unit.start : unit.end] if not each.isspace())


@given(QUESTIONS, st.lists(st.tuples(TEXTS, st.integers(0, 10_000)), max_size=4), st.integers(-1, 6))
@settings(max_examples=some(300))
def test_quotes_are_stored_characters_and_the_same_each_time(question: str, texts: list[tuple[str, int]], limit: int) -> None:
    asked = [passage(text, start=start) for text, start in texts]
    quoter = Quoter(WordEmbedder(), readings_bytes=20_000)
    quotes = quoter.quotes(question, asked, limit)
    check(quotes, asked, max(0, limit))
    quoter.quotes("something else", asked[::-1], 2)
    assert quoter.quotes(question, asked, limit) == quotes == Quoter(WordEmbedder()).quotes(question, asked, limit)


@given(st.integers(1, 30))
@settings(max_examples=some(20))
def test_a_long_passage_is_read_to_its_end(paragraphs: int) -> None:
    text = "\n\n".join(f"Paragraph number {number} speaks of nothing. " + "Words and words again. " * 8 for number in range(paragraphs))
    embedder = WordEmbedder(most=SEEN)
    (quote,) = Quoter(embedder).quotes(f"paragraph number {paragraphs - 1}", [passage(text, heading="A long > document")], 1)
    assert quote.text.startswith(f"Paragraph number {paragraphs - 1} ")
