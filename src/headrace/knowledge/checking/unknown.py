"""Words that nobody knows: written small, and yet no words of a language. A draft may only use those that its sources use.

The embedder's tokenizer knows the 30,000 pieces that are most frequent in English texts. A common word is one of them; a rare one falls
into several, and so does nearly every name that was made up. That is no list of words to be shipped, and it knows no names: *our partner
amazon* is not seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headrace.knowledge.checking.folded import bare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WORD = re.compile(r"(?<![\w@#/])(?<!\w[.@/\\:#&+])[^\W\d_]+(?![.@/\\:#&+]?\w)")
_ENDINGS: Final = re.compile(
    "(?:s|es|ed|d|ing|ly|er|ers|or|ors|al|able|ible|ness|less|ful|ment|ments|ship|ion|ions|ation|ations|ity|ities|ize|izes|ized|izing|ise"
    "|ises|ised|ising|ism|ist|ists|ive|ous|y|ic|ical)"
)
"""What makes another form of a word."""
_SHORTEST = 4
"""Letters of the shortest word that has other forms."""
_LONGEST = 30
"""Letters of the longest word that is taken for one: of a longer one a tokenizer makes a single piece, as of letters that it never saw."""
_WINDOW = 240
"""Characters: no piece is shorter than one, and an embedder sees some 250."""


def unknown(text: str, pieces: Sequence[tuple[int, int]]) -> frozenset[str]:
    """The small words of a text that fall into pieces, as they are written; `pieces` are the tokenizer's, in order."""
    ends = dict(pieces)
    return frozenset(word[0] for word in _WORD.finditer(text) if word[0].islower() and _made_up(word[0], word.start(), ends))


def _made_up(word: str, start: int, ends: Mapping[int, int]) -> bool:
    first = ends.get(start, start) - start  # none begins there: the tokenizer has not come so far
    if first == len(word):
        return first > _LONGEST or not bare(word).isascii()
    return not (first >= _SHORTEST and _ENDINGS.fullmatch(word, first))


def windows(text: str) -> Iterator[str]:
    """Stretches of a long text, between words where it can be: so short that every one of them is seen whole."""
    start = 0
    while len(text) - start > _WINDOW:
        end = text.rfind(" ", start + 1, start + _WINDOW) + 1 or start + _WINDOW
        yield text[start:end]
        start = end
    yield text[start:]
