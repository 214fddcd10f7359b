"""What is written, as a value: digits, number words, times and days."""

from __future__ import annotations

import re
from decimal import Decimal

from headrace.knowledge.checking.figure import Figure
from headrace.knowledge.checking.figure_words import MAGNITUDES, MULTIPLES, ORDINALS, SMALL, TENS

_PLAIN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d+(?:[.,]\d+)?")
_EITHER = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""``40.000``: forty, or forty thousand where the point divides thousands. Compared as it is written."""
_HOURS = 12


def time_of(hour: int, minute: int, half: str) -> Figure:
    """A time of day; `half` is a or p, or empty."""
    if half:
        hour = hour % _HOURS + (_HOURS if half == "p" else 0)
    return Figure("time", text=f"{hour}:{minute:02}")


def month_and_day(first: int, second: int) -> tuple[int, int] | None:
    """(month, day), when only one reading is possible."""
    if first > _HOURS >= second:
        return second, first
    if second > _HOURS >= first or first == second:
        return first, second
    return None


def value_of(word: str) -> tuple[Decimal] | None:
    """What digits say, as one value; None when they say none, or two."""
    if not _PLAIN.fullmatch(word) or _EITHER.fullmatch(word):
        return None
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?", word):
        return (Decimal(word.replace(".", "").replace(",", ".")),)
    if re.fullmatch(r"\d+,\d{1,2}|\d+,\d{4,}", word):
        return (Decimal(word.replace(",", ".")),)
    return (Decimal(word.replace(",", "").replace("'", "")),)


def sum_of(parts: list[str]) -> Decimal | None:
    """The value of a number in words; None of words that make no number together, as in *room four zero one* or *twenty twenty*."""
    total, current, before = Decimal(0), Decimal(0), ""
    for part in parts:
        if part in MULTIPLES:
            current += Decimal(MULTIPLES[part])
        elif total and not current and MAGNITUDES.get(part, 0) > 100:  # noqa: PLR2004 - four thousand million
            total *= MAGNITUDES[part]
        elif part in MAGNITUDES:
            current = (current or Decimal(1)) * MAGNITUDES[part]
            if MAGNITUDES[part] > 100:  # noqa: PLR2004 - a thousand and more end what they multiply
                total, current = total + current, Decimal(0)
        elif part == "dozen":
            current = (current or Decimal(1)) * 12
        elif not before or before in MAGNITUDES or (before in TENS and 0 < _small(part) < 10):  # noqa: PLR2004 - twenty-one
            current += _small(part)
        else:
            return None
        before = part
    return total + current


def _small(word: str) -> int:
    return SMALL.get(word, ORDINALS.get(word, 0))


def one_of(noun: str) -> str:
    """What there is one of."""
    return noun.removesuffix("s")
