"""Whether one sentence says the opposite of another, as far as that can be told by words: a *not* more or less, a word's contrary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headrace.knowledge.checking.everyday import EVERYDAY
from headrace.knowledge.checking.folded import folded
from headrace.knowledge.checking.names import stem

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[.;:!?]|,")
_NEGATIONS = frozenset({
    "not", "no", "never", "without", "cannot", "none", "neither", "nor", "nobody", "nothing", "nowhere", "hardly", "except",
})  # fmt: skip
_REACH = 5
"""Words behind a negation that it may deny."""
_PAIRS = """
    allowed forbidden|allowed prohibited|permitted forbidden|permitted prohibited|allow forbid|allow prohibit|permit prohibit
    required optional|mandatory optional|mandatory voluntary|include exclude|included excluded|includes excludes|including excluding
    increase decrease|increased decreased|increases decreases|rise fall|rose fell|grew shrank|before after|minimum maximum|more less
    more fewer|most least|higher lower|highest lowest|above below|over under|always never|accept reject|accepted rejected
    accepts rejects|open closed|opened closed|first last|earliest latest|early late|true false|buy sell|bought sold|win lose
    won lost|import export|north south|east west|northern southern|eastern western|left right|hot cold|free paid|public private
    internal external|enable disable|enabled disabled|start end|begin end|began ended|started ended|largest smallest|larger smaller
    bigger smaller|oldest youngest|older younger|longest shortest|longer shorter|born died|parent child|male female|husband wife
    mother father|son daughter|brother sister|success failure|succeeded failed|passed failed|approved denied|approved rejected
    granted denied|supported opposed|add remove|added removed|adds removes|join leave|joined left|arrive depart|all none
    everyone nobody|both neither|same different|guilty innocent|positive negative|profit loss|ascending descending|inside outside
    indoor outdoor|day night|morning evening|weekday weekend|hire fire|hired fired|credit debit|income expense|upper lower
    with without|encrypted unencrypted|legal illegal|lawful unlawful|possible impossible|able unable|valid invalid|known unknown
    likely unlikely
    """
_PREFIX = re.compile(r"(?:un|in|im|ir|il|non|dis)(?=\w{4})")


def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in re.split(r"[|\n]", _PAIRS):
        if pair.strip():
            one, other = pair.split()
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES: Final = _opposites()


def contrary(said: str, evidence: str) -> bool:
    """Whether a sentence denies what the evidence says, or says what the evidence denies, about the same words."""
    mine, theirs = _Said(said), _Said(evidence)
    return mine.denies(theirs) or theirs.denies(mine) or mine.opposes(theirs)


class _Said:
    """The words of a text, and those that it denies."""

    def __init__(self, text: str) -> None:
        found = [each.lower() for each in _WORD.findall(folded(text).replace("cannot", "can not"))]
        self.words: set[str] = set()
        self.denied: set[str] = set()
        self.affirmed: set[str] = set()
        self.negations = 0
        left = 0
        for word in found:
            if word in _NEGATIONS or word.endswith("n't"):
                self.negations += 1
                left = _REACH
                continue
            if not word[0].isalnum() or word in {"but", "because", "unless", "if"}:
                left = 0
                continue
            if word in EVERYDAY and word not in OPPOSITES:
                continue
            self.words.add(word)
            (self.denied if left > 0 else self.affirmed).add(stem(word))
            left -= 1

    def denies(self, other: _Said) -> bool:
        """Whether it denies a word that the other affirms and never denies."""
        return bool((self.denied - self.affirmed) & (other.affirmed - other.denied))

    def opposes(self, other: _Said) -> bool:
        """Whether a word stands here, and its contrary there: unless a *not* makes up for it."""
        mine, theirs = self.words - other.words, other.words - self.words
        pairs = any(OPPOSITES.get(word, frozenset()) & theirs for word in mine)
        opposed = pairs or bool(_turned(mine) & theirs) or bool(_turned(theirs) & mine)
        return opposed and self.negations % 2 == other.negations % 2


def _turned(words: set[str]) -> set[str]:
    """What is left of words without a prefix that denies them."""
    return {word[found.end() :] for word in words if (found := _PREFIX.match(word))}
