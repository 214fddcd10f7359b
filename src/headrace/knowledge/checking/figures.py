"""The figures of a text: numbers with their units, dates, times, ranges and codes, as values that are equal however they are spelled.

    evidence = Figures("The fee is CHF 1,000, due on 3 March 2024.")
    evidence.lacking("Pay one thousand francs.")     # []
    evidence.lacking("Pay 100 francs.")              # [Figure("number", 100, …)]

Whatever holds a digit is a figure, and so is a number that is spelled out. What cannot be read as a value is compared as it is written. In
doubt a figure is not held: what is lost can still be read in the sources, what is invented would be believed.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.knowledge.checking import figure_reader
from headrace.knowledge.checking.figure_words import PERIODS, UNITS
from headrace.knowledge.checking.folded import folded
from headrace.knowledge.passages.sentences import sentences

if TYPE_CHECKING:
    from headrace.knowledge.checking.figure import Figure

_UNIT = re.compile(r"[%‰$€£¥₹¢]|°?[a-zà-ÿμ]+")
_YEARS = range(1000, 2101)


class Figures:
    """The figures of texts that are taken for true."""

    def __init__(self, *texts: str) -> None:
        self._texts = [sentence for text in texts for sentence in _sentences(text)]

    def lacking(self, text: str) -> list[Figure]:
        """The figures of another text that these do not hold."""
        return [figure for figure in figures(text) if not self.hold(figure)]

    def hold(self, figure: Figure) -> bool:
        """Whether a figure stands here: of the same value and unit, and as what it is said to be."""
        if figure.kind == "number":
            return any(self._is(figure, each) for each in self._every if each.kind == "number" and each.value == figure.value)
        if figure.kind == "date":
            return any(_agree(figure.date, each.date) for each in self._every if each.kind == "date")
        if figure.kind == "period":
            return figure.unit in self._units
        if figure.kind == "clause":
            return any(each.text == figure.text or each.text.startswith(f"{figure.text}(") for each in self._every if each.kind == "clause")
        return any(each.kind == figure.kind and each.text == figure.text for each in self._every)

    @cached_property
    def _every(self) -> tuple[Figure, ...]:
        return tuple(figure for text in self._texts for figure in figure_reader.read(text, evidence=True))

    @cached_property
    def _units(self) -> frozenset[str]:
        words = {word for text in self._texts for word in _UNIT.findall(text.lower())}
        return frozenset(UNITS.get(word) or PERIODS[word] for word in words if word in UNITS or word in PERIODS)

    def _is(self, figure: Figure, other: Figure) -> bool:
        if other.text == "article":
            return figure.text == "one" and figure.noun == other.noun
        if figure.bound and other.bound and figure.bound != other.bound:
            return False
        if other.ranged and not figure.ranged and not figure.bound and (figure.unit or figure.value not in _YEARS):
            return False
        return not figure.unit or other.unit == figure.unit or (not other.unit and figure.unit in self._units)


def figures(text: str) -> list[Figure]:
    """The figures of a text that must be proved."""
    return [figure for sentence in _sentences(text) for figure in figure_reader.read(sentence, evidence=False)]


def _sentences(text: str) -> list[str]:
    """Folded: no figure goes on behind the end of one, whatever stands beside it."""
    return [folded(text[start:end]) for start, end in sentences(text, 0, len(text))]


def _agree(said: tuple[int | None, ...], known: tuple[int | None, ...]) -> bool:
    """Whether everything that is said of a date is known of the other."""
    return all(mine is None or mine == theirs for mine, theirs in zip(said, known, strict=True))
