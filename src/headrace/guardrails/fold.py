"""What a guard reads instead of the text as it stands: the same characters, without the tricks of writing them.

Full-width letters, digits and signs become plain ones, as do Unicode's dashes and spaces and the invisible "tag" letters; characters that
cannot be seen (zero-width, soft hyphen, direction marks) are left out. Each character is folded by itself, so the folded text of two
pieces is the two folded pieces. Every place in it leads back to the text as it stands.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headrace.guardrails.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN: Final = {
    **{chr(0xFF01 + n): chr(0x21 + n) for n in range(94)},
    **{chr(0xE0020 + n): chr(0x20 + n) for n in range(95)},
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63", "-"),
    **dict.fromkeys("\u2024\ufe52\uff61", "."),
    "\ufe6b": "@",
}
"""One for one."""
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            0xAD,
            0x34F,
            0x61C,
            0x180E,
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2065),
            *range(0x2066, 0x206A),
            0xFEFF,
        ),
    )
)
_TABLE: Final = str.maketrans(_PLAIN)
_ODD: Final = regex("[" + "".join(rf"\x{{{ord(character):x}}}" for character in (*_PLAIN, *_UNSEEN)) + "]")
_FEW: Final = 8
"""So many different characters are replaced one after the other: the table costs the time of twenty such."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. `places` (None: none was left out) has the place of each of its characters in the text as it stands."""

    text: str
    length: int
    """Of the text as it stands."""
    places: Sequence[int] | None = field(default=None, repr=False)

    def start(self, at: int) -> int:
        """Where a stretch that starts at the folded place `at` starts in the text as it stands."""
        if self.places is None:
            return at
        return self.places[at] if at < len(self.places) else self.length

    def at(self, place: int) -> int:
        """The folded place of a place in the text as it stands."""
        return place if self.places is None else bisect_left(self.places, place)

    def end(self, at: int) -> int:
        """Where a stretch that ends before the folded place `at` (over 0) ends in the text as it stands."""
        return at if self.places is None else self.places[at - 1] + 1


def fold(text: str) -> Folded:
    """The text as guards read it."""
    if text.isascii():
        return Folded(text, len(text))
    odd = _odd(text)
    plain = _plain(text, odd - _UNSEEN)
    if odd.isdisjoint(_UNSEEN):
        return Folded(plain, len(text))
    places = [at for at, character in enumerate(plain) if character not in _UNSEEN]
    return Folded("".join([plain[at] for at in places]), len(text), places)


def _odd(text: str) -> set[str]:
    """The characters of a text that are not read as they stand: a few of them, often many times."""
    data = text.encode("utf-8", "replace")
    odd: set[str] = set()
    while (found := _ODD.search(data)) is not None:
        odd.add(found.group().decode())
        data = data.replace(found.group(), b"")
    return odd


def _plain(text: str, odd: set[str]) -> str:
    """The text with these characters made plain."""
    if len(odd) > _FEW:
        return text.translate(_TABLE)
    for character in odd:
        text = text.replace(character, _PLAIN[character])
    return text
