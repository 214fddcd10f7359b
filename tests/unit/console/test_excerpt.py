"""Excerpts: every character once, the quoted ones exactly, lines by their number in the whole text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.app.console.excerpt import PIECE, WHOLE, Excerpt, excerpt
from tests.support.growth import PROPORTIONAL, growth

TEXT = st.text(alphabet="ab \n\r", max_size=200)
LONG = "".join(f"line {n} of a long register\n" for n in range(1, 8001))


def shown(found: Excerpt) -> str:
    return "".join(run.text for line in found.lines for run in line.runs)


def quoted(found: Excerpt) -> str:
    return "".join(run.text for line in found.lines for run in line.runs if run.quoted)


@given(TEXT, st.integers(0, 220), st.integers(0, 220))
def test_a_short_text_is_shown_whole_and_the_quote_is_its_very_characters(text: str, start: int, end: int) -> None:
    start, end = sorted((start, end))
    found = excerpt(text, start, end)
    assert shown(found) == text
    assert quoted(found) == text[start:end]
    assert (found.earlier, found.later) == (None, None)
    assert [line.n for line in found.lines] == list(range(1, len(found.lines) + 1))
    ends = len(re.findall(r"\r\n|\r|\n", text))
    assert len(found.lines) == ends + (1 if text and text[-1] not in "\r\n" else 0)


@given(TEXT, st.integers(0, 220), st.integers(1, 220))
def test_the_quote_begins_in_one_place(text: str, start: int, length: int) -> None:
    found = excerpt(text, start, start + length)
    firsts = [run for line in found.lines for run in line.runs if run.first]
    assert len(firsts) == (1 if text[start : start + length] else 0)


@pytest.mark.parametrize("n", [1, 17, 4000, 7999, 8000])
def test_a_long_text_is_shown_around_the_quote(n: int) -> None:
    sentence = f"line {n} of a long register"
    start = LONG.index(f"{sentence}\n") if n == 1 else LONG.index(f"\n{sentence}\n") + 1
    found = excerpt(LONG, start, start + len(sentence))
    assert quoted(found) == sentence
    assert len(shown(found)) < PIECE + 100
    assert next(line.n for line in found.lines if any(run.quoted for run in line.runs)) == n
    assert all(line.runs[-1].text.endswith("\n") for line in found.lines)


def test_pieces_lead_through_the_whole_text() -> None:
    start = LONG.index("line 4000 ")
    found = excerpt(LONG, start, start + 9)
    later = [shown(found)]
    while found.later is not None:
        found = excerpt(LONG, start, start + 9, found.later)
        later.append(shown(found))
    assert LONG.endswith("".join(later))
    found = excerpt(LONG, start, start + 9)
    seen = {line.n for line in found.lines}
    while found.earlier is not None:
        found = excerpt(LONG, start, start + 9, found.earlier)
        seen |= {line.n for line in found.lines}
    assert {1, 2, 3999, 4000} <= seen
    assert set(range(1, 4000)) <= seen


def test_a_quote_longer_than_a_piece_goes_on_in_the_next() -> None:
    found = excerpt(LONG, 0, len(LONG))
    begun = shown(found)
    assert quoted(found) == begun
    assert found.later is not None
    following = excerpt(LONG, 0, len(LONG), found.later)
    assert quoted(following) == shown(following)


def test_a_text_without_lines_is_cut_where_it_must_be() -> None:
    text = "x" * (WHOLE * 3)
    found = excerpt(text, WHOLE, WHOLE + 5)
    assert quoted(found) == "xxxxx"
    assert [line.n for line in found.lines] == [1]
    assert shown(excerpt(text, 0, 0, 10**11)) == "x"


def test_carriage_returns_end_lines_too() -> None:
    text = "".join(f"line {n}\r" for n in range(20_000))
    start = text.index("line 15000\r")
    found = excerpt(text, start, start + 10)
    assert next(line.n for line in found.lines if any(run.quoted for run in line.runs)) == 15_001


def test_a_long_text_takes_time_in_proportion_to_its_length() -> None:
    def end(text: str) -> None:
        assert len(quoted(excerpt(text, len(text) - 100, len(text) - 90))) == 10

    assert growth(end, lambda n: LONG * n, 80) < PROPORTIONAL
