"""A text as figures and names are compared: compatible characters, digits, dashes and quotation marks in one form each."""

from __future__ import annotations

import unicodedata

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_MARKS = {**_DASHES, ord("’"): "'", ord("‘"): "'", ord("ʼ"): "'", ord("⁄"): "/", ord("٬"): ",", ord("٫"): "."}
_INVISIBLE: dict[int, None] = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def folded(text: str) -> str:
    """The text with every digit as 0 to 9 and every dash as a hyphen; case stays. Not of the same length."""
    text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_MARKS)
    return text if text.isascii() else "".join(_digit(each) for each in text)


def bare(word: str) -> str:
    """A word as it is compared: without case, accents and a possessive ending."""
    word = word.casefold().removesuffix("'s").removesuffix("'")
    if word.isascii():
        return word
    return "".join(each for each in unicodedata.normalize("NFKD", word) if not unicodedata.combining(each))


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
