"""A citation names the line where its quote begins, not the one where the passage does."""

from __future__ import annotations

import pytest

from headrace.core.values import Passage
from headrace.knowledge.documents.places import Places, narrowed


def passage(text: str, start: int, place: str) -> Passage:
    return Passage("p1", "handbook/a.md", "handbook", "b4" * 32, start, start + len(text), text, place, "handbook", 1)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_character_of_a_passage_has_its_own_line(end: str) -> None:
    whole = end.join(f"line number {n}" for n in range(1, 30))
    start = whole.index("line number 7")
    places = Places(whole, "text/markdown", ())
    found = passage(whole[start:], start, places.at(start, start + 1))
    for offset in (0, 3, found.text.index("line number 8"), found.text.index("line number 29")):
        assert narrowed(found.place, found.text, offset, offset + 1) == places.at(start + offset, start + offset + 1)


@pytest.mark.parametrize("place", ["page 3", "section “Fees”", "paragraph 4", "line 12 of something"])
def test_other_places_are_those_of_the_passage(place: str) -> None:
    assert narrowed(place, "one\ntwo\nthree", 9, 10) == place
