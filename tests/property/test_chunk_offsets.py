"""Whatever the text: passages are exact stretches of it, in order, apart, whole and short enough."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.measure import tokens
from headrace.core.values import Place
from headrace.knowledge.documents.places import Places
from headrace.knowledge.passages.blocks import structure
from headrace.knowledge.passages.chunk import BOUND, Chunk, chunk, passage_id
from tests.support.examples import some

TYPES = ("text/markdown", "text/plain", "text/html", "application/pdf")
PIECES = st.sampled_from([
    "# Title\n", "## Part `x` ##\n", "Under\n=====\n", "---\n", "---\ntitle: T\n---\n", "```py\n", "```\n", "~~~\n",
    "| a | b |\n", "|--|--|\n",
    "\n", "\r\n", "\r", "\n\n", " ", "\t", "- item\n", "A sentence. Another one! 3.5 km, e.g. here.\n",
    "word " * 120, "x" * 700, "你好。" * 90,
    "é́", "\u2028", "\x0b", "\x1c", "\u00a0", "👩‍👩‍👧", "한국어 문장입니다. ", "#", "`", ".", "…",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=400), st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=40).map("".join))


def bare(text: str) -> str:
    return "".join(text.split())


def check(text: str, chunks: list[Chunk]) -> None:
    at = 0
    for each in chunks:
        assert at <= each.start < each.end <= len(text)
        assert text[each.start : each.end] == each.text == each.text.strip()
        assert tokens(each.text) <= BOUND
        assert not bare(text[at : each.start])
        at = each.end
    assert not bare(text[at:])


@given(TEXTS)
@settings(max_examples=some(300))
def test_plain_text_is_covered_exactly(text: str) -> None:
    check(text, chunk(text, "text/plain"))


@given(TEXTS)
@settings(max_examples=some(300))
def test_markdown_is_covered_exactly_after_its_front_matter(text: str) -> None:
    blocks = structure(text, markdown=True).blocks
    first = blocks[0].start if blocks else len(text)
    chunks = chunk(text, "text/markdown")
    if chunks:
        assert not bare(text[first : chunks[0].start])
    check(" " * first + text[first:], chunks)
    if not text.startswith("---"):
        assert not bare(text[:first])


@given(TEXTS, st.sampled_from(TYPES))
@settings(max_examples=some(100))
def test_the_same_text_gives_the_same_passages(text: str, media_type: str) -> None:
    assert chunk(text, media_type) == chunk(text, media_type)


@given(TEXTS, st.sampled_from(TYPES), st.data())
@settings(max_examples=some(200))
def test_every_offset_has_a_place(text: str, media_type: str, data: st.DataObject) -> None:
    places = Places(text, media_type, (Place(0, len(text), "page 1"),) if media_type == "application/pdf" else ())
    offset = data.draw(st.integers(0, len(text)))
    place = places.at(offset, offset + 1)
    kind, _, which = place.partition(" ")
    assert kind in {"line", "page", "section", "paragraph"}
    if kind == "line":
        lines = text[:offset].replace("\r\n", "\n").replace("\r", "\n").count("\n")
        split = text[offset - 1 : offset + 1] == "\r\n"  # between the two, one is still on the line that they end
        assert int(which) == lines + 1 - split


@pytest.mark.parametrize("changed", [("d2", "v", 0, 1), ("d", "v2", 0, 1), ("d", "v", 1, 1), ("d", "v", 0, 2)])
def test_an_id_stands_for_one_stretch_of_one_version(changed: tuple[str, str, int, int]) -> None:
    assert passage_id("d", "v", 0, 1) == passage_id("d", "v", 0, 1) != passage_id(*changed)
