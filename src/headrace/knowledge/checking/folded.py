"""A text as figures and names are compared: compatible characters, digits, dashes and quotation marks in one form each; what cannot be seen
is taken out, and what only looks small or raised keeps its meaning."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_MARKS = {**_DASHES, ord("’"): "'", ord("‘"): "'", ord("ʼ"): "'", ord("⁄"): "/", ord("٬"): ",", ord("٫"): "."}
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""What turns the order of what is shown: 41 is read where 14 is written."""
_STRUCK = re.compile(r"(?<=[0-9A-Za-z\u00c0-\u024f])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]+")
"""Marks over, under, through or around a letter or a digit that are no part of it."""
_RAISED = re.compile(r"(?<=[^\W_])[⁰¹²³⁴-⁹]+")
_ROMAN_SIGNS = re.compile(r"[\u2160-\u217f]+")
_AND_PART = re.compile(r"(\d) ?([¼½¾⅐-⅞])")
_AND_WRITTEN_PART = re.compile(r"(?<![\w.,/])(\d{1,3}) ([1-9])/([2-9])(?![\w/])")
_FULL_STOP = re.compile(r"(?<=[A-Za-z0-9])。(?=[A-Za-z0-9])|(?<=\w)。(?=[a-z]{2})")
"""A dot of a host's name (IDNA): a sentence of a script that ends so does not go on in small Latin letters."""
_ROMAN = re.compile(r"(?=.)m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_FINITE = 8
"""The largest part of which a whole is written with three digits behind the point."""


def folded(text: str) -> str:
    """The text with every digit as 0 to 9 and every dash as a hyphen; case stays. Not of the same length."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        text = _ROMAN_SIGNS.sub(_roman_sign, text)
        text = _RAISED.sub(r"^\g<0>", text)
        text = _AND_PART.sub(_and_part, text)
        text = _STRUCK.sub("", unicodedata.normalize("NFKC", text)).translate(_MARKS)
        text = _FULL_STOP.sub(".", text)
        text = "".join(_digit(each) for each in text)
    return _AND_WRITTEN_PART.sub(lambda found: _mixed(found[1], Fraction(int(found[2]), int(found[3]))), text)


def bare(word: str) -> str:
    """A word as it is compared: without case, accents and a possessive ending."""
    word = word.casefold().removesuffix("'s").removesuffix("'")
    if word.isascii():
        return word
    return "".join(each for each in unicodedata.normalize("NFKD", word) if not unicodedata.combining(each))


def roman(word: str) -> int | None:
    """The value of a number in Roman letters, small ones; None when it is none."""
    if not _ROMAN.fullmatch(word):
        return None
    values = [_ROMAN_VALUES[each] for each in word]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _roman_sign(found: re.Match[str]) -> str:
    written = unicodedata.normalize("NFKC", found[0])
    value = roman(written.lower())
    return f" {value} " if value is not None else f" {written} "


def _and_part(found: re.Match[str]) -> str:
    return _mixed(found[1], Fraction(unicodedata.numeric(found[2])).limit_denominator(10))


def _mixed(whole: str, part: Fraction) -> str:
    """A whole and a part of one, with a point where that is exact: ``3.5``, and ``3+1/3``."""
    if 0 < part < 1 and _FINITE % part.denominator == 0:
        return f"{whole}{float(part)!s:.5}".replace(f"{whole}0.", f"{whole}.", 1)
    return f"{whole}+{part}" if 0 < part < 1 else f"{whole} {part.numerator}/{part.denominator}"
