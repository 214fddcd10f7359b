"""How well each sentence of the found passages matches a question, in a few numbers (late interaction).

Each token of the question looks for the nearest token of a sentence (MaxSim; Khattab and Zaharia, ColBERT, 2020). A sentence's numbers are
means over these cosines, and differ in how much each token of the question counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from headrace.knowledge.passages.blocks import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.knowledge.passages.sentences import Unit
    from headrace.knowledge.quoting.reading import Reading, Tokens

Floats: TypeAlias = "NDArray[np.floating]"

SAME = 0.75
"""Cosine from which on a sentence is taken to hold a word of the question."""
ELSEWHERE = 10
"""Sentences that are added, in which no word of the question stands: with few sentences, rarity among them says little."""
FEWEST_REPEATED = 4
"""Words of the shortest question that is recognised where it is repeated."""
MARKS = 8
"""Characters that a line may have beside the question that it is."""
_WORD = re.compile(r"\w+")
_FUNCTION_WORD = re.compile(
    r"(?:a|about|am|an|and|are|as|at|be|been|being|but|by|can|could|d|did|do|does|for|from|had|has|have|he|her|his|how|i|if|in|into|is"
    r"|it|its|ll|m|me|my|no|not|of|on|or|our|over|re|s|she|should|so|t|than|that|the|their|them|then|there|these|they|this|those|to"
    r"|us|ve|was|we|were|what|when|where|which|who|whom|whose|why|will|with|would|you|your)"
)


@dataclass(frozen=True, slots=True)
class Matches:
    """The sentences, as (place of the passage, unit), and their numbers, a row each.

    rare          mean cosine over the question's tokens, weighted by how rare each is among these sentences
    rare_content  the same without function words
    neighbours    what the sentences before and after would add to `rare`
    words         mean cosine over the question's tokens, each alike
    passage       the same over all tokens of the sentence's passage, headings included
    """

    places: tuple[tuple[int, Unit], ...]
    rare: Floats
    rare_content: Floats
    neighbours: Floats
    words: Floats
    passage: Floats


def match(question: str, asked: Tokens, read: Sequence[tuple[str, Reading]]) -> Matches | None:
    """Compare a question with what was read, as (text, reading) of each passage; None when there is nothing to compare."""
    places = tuple((place, unit) for place, (_, reading) in enumerate(read) for unit in reading.units)
    if not places or not len(asked.offsets):
        return None
    compared = [_compared(asked.vectors, reading, _repeated(question, text, reading)) for text, reading in read if reading.units]
    own, beside, whole = (np.concatenate(part) for part in zip(*compared, strict=True))
    holding = (own > SAME).sum(axis=0)
    # Rarity among the sentences at hand, and not in the whole collection: that would tell of documents that the asker may not read.
    rarity = np.log1p((len(own) + ELSEWHERE - holding + 0.5) / (holding + 0.5))
    content = rarity * _content(question, asked.offsets)
    return Matches(
        places=places,
        rare=own @ (rarity / rarity.sum()),
        rare_content=own @ (content / content.sum()),
        neighbours=(beside - own) @ (rarity / rarity.sum()),
        words=own.mean(axis=1),
        passage=whole.mean(axis=1),
    )


def _repeated(question: str, text: str, reading: Reading) -> list[slice]:
    """Tokens that only say the question again, in an example or a command: they answer nothing. A line that is the question does not
    count, because an answer follows it; nor does a heading."""
    words = _WORD.findall(question)
    if len(words) < FEWEST_REPEATED:
        return []
    found = [each.span() for each in re.finditer(r"\W+".join(map(re.escape, words)), text, re.IGNORECASE)]
    return [
        slice(*np.searchsorted(reading.offsets[:, 0], span))
        for span in found
        for unit in reading.units
        if unit.start <= span[0] < unit.end and (unit.kind is not Kind.TEXT or unit.end - unit.start > span[1] - span[0] + MARKS)
    ]


def _compared(asked: Floats, reading: Reading, repeated: Sequence[slice]) -> tuple[Floats, Floats, Floats]:
    """A row for each unit and a column for each token of the question: the best cosine in the unit, in it or its neighbours, and in the
    passage."""
    near = asked @ reading.vectors.astype(np.float32).T
    for tokens in repeated:
        near[:, tokens] = -1
    edges = np.stack((reading.starts, reading.ends), axis=1).ravel()
    padded = np.concatenate((near, np.full((len(near), 1), -1)), axis=1)  # a unit may end where the tokens do
    own = np.maximum.reduceat(padded, edges, axis=1)[:, ::2].T
    beside = own.copy()
    beside[1:] = np.maximum(beside[1:], own[:-1])
    beside[:-1] = np.maximum(beside[:-1], own[1:])
    return own, beside, np.broadcast_to(near.max(axis=1), own.shape)


def _content(question: str, offsets: Sequence[tuple[int, int]]) -> Floats:
    """1 for each token of the question that is no function word of English; 1 for all when that leaves none."""
    words = (question[start:end].lower() for start, end in offsets)
    marked = np.asarray([word.isalnum() and not _FUNCTION_WORD.fullmatch(word) for word in words], dtype=np.float32)
    return marked if marked.any() else np.ones_like(marked)
