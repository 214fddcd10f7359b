"""The tokens that figures are read from, each as a number's reader knows it: words that run together are parted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.knowledge.checking.figure_words import MAGNITUDES, MONTHS, ORDINALS, SMALL, SPELLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"(?<!\w)\d+[a-z]?(?:\([0-9a-z]{1,4}\))+|\w+(?:[.,/:@#&+'^-]\w+)*|(?<!\w)\([a-z]\)|[$€£¥₹¢%‰°]", re.IGNORECASE)
_FOLD = re.compile(r"(\d[\d.,]*|[a-z-]+?)-?fold")
_JOINED = frozenset(word for word in (*SPELLED, *MAGNITUDES) if len(word) > 2)  # noqa: PLR2004 - bn, k: nobody joins them
_LENGTHS = range(3, max(map(len, _JOINED)) + 1)
_LONGEST = 48
"""Letters of the longest word that is taken apart."""
_AMBIGUOUS = frozenset({"may", "march", "mar"})
"""Months that are verbs, too: *may first*."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word in small letters, and where it stands in the text."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Of a folded text. ``fortyone`` becomes ``forty-one``, ``tenfold`` ``ten-fold``, and *the fifth of June* ``5th of june``."""
    found = [Token(_known(each[0].lower()), each.start(), each.end()) for each in _TOKEN.finditer(text)]
    return list(_dated(found))


def _known(word: str) -> str:
    if fold := _FOLD.fullmatch(word):
        count = _parted(fold[1])
        if count[0].isdigit() or all(part in _JOINED for part in count.split("-")):
            return f"{count}-fold"
    return _parted(word)


def _parted(word: str) -> str:
    """A word of several words of numbers, with hyphens between them; any other as it is."""
    if word in _JOINED or len(word) > _LONGEST or not word.isalpha():
        return word
    ways: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(_LENGTHS[0], len(word) + 1):
        for start in (end - length for length in _LENGTHS if length <= end):
            if start in ways and word[start:end] in _JOINED:
                ways[end] = (*ways[start], word[start:end])
                break
    return "-".join(ways.get(len(word), (word,)))


def _dated(found: Sequence[Token]) -> Iterator[Token]:
    """Ordinals in words beside a month become days."""
    words = ["", "", *(each.text for each in found), "", ""]
    for place, each in enumerate(found, start=2):
        value = _ordinal(each.text)
        behind = words[place + 2] if words[place + 1] == "of" else words[place + 1]
        before = words[place - 2] if words[place - 1] == "the" else words[place - 1]
        if value and (behind in MONTHS or (before in MONTHS and (before not in _AMBIGUOUS or words[place - 1] == "the"))):
            yield replace(each, text=f"{value}th")
        else:
            yield each


def _ordinal(word: str) -> int:
    """The day that an ordinal in words is; 0 for any other word."""
    ten, _, one = word.rpartition("-")
    return ORDINALS[one] + SMALL.get(ten, 0) if one in ORDINALS and (not ten or ten in SMALL) else 0
