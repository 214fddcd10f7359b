"""How well the passages support a sentence, in three numbers (late interaction, as for quotes, and shared words).

The sentence is compared with the units of the passages: the one that is nearest, and up to two more that hold what it lacks. Those are what
would be cited. The numbers are of all passages: what a sentence is true of may stand beside what is cited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.knowledge.checking.everyday import EVERYDAY
from headrace.knowledge.checking.figure_words import MAGNITUDES, SPELLED, UNITS
from headrace.knowledge.checking.folded import folded
from headrace.knowledge.checking.names import stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Evidence
    from headrace.knowledge.passages.sentences import Unit
    from headrace.knowledge.quoting.match import Floats
    from headrace.knowledge.quoting.reading import Reading, Tokens

MOST = 3
"""Units that one sentence may stand on."""
GAIN = 0.03
"""What a further unit must add to the mean cosine to be cited too."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_LETTER = 2
"""Letters of the longest unit that may be something else, as ``in`` and ``m``."""
_IN_ORDER = 2
"""Units whose words are compared in their order, and"""
_LONGEST = 120
"""words of each."""


@dataclass(frozen=True, slots=True)
class Supported:
    """What supports a sentence: units as (passage, unit), the first the nearest, and how well.

    words  share of its words, *the* and *of* and figures too, that stand in the passages and their headings
    near   mean cosine of its tokens to the nearest token of the passages
    order  share of its words that stand in one cited unit in the same order, others between or not
    """

    units: tuple[tuple[int, Unit], ...]
    words: float
    near: float
    order: float


def support(sentence: str, asked: Tokens, passages: Sequence[Evidence], readings: Sequence[Reading]) -> Supported | None:
    """What supports a sentence best; None when there is nothing to compare."""
    places = [(place, unit) for place, reading in enumerate(readings) for unit in reading.units]
    if not places or not len(asked.offsets):
        return None
    near = [asked.vectors @ reading.vectors.astype(np.float32).T for reading in readings]
    own = np.concatenate([_by_unit(each, reading) for each, reading in zip(near, readings, strict=True) if reading.units])
    units = tuple(places[row] for row in _cover(own, _weights(sentence, asked.offsets)))
    words = _words(sentence)
    return Supported(
        units,
        words=_shared(words, [text for each in passages for text in (each.heading, each.text)]),
        near=float(np.concatenate(near, axis=1).max(axis=1).mean()),
        order=max(_in_order(words, _words(passages[place].text[unit.start : unit.end])) for place, unit in units[:_IN_ORDER]),
    )


def _by_unit(near: Floats, reading: Reading) -> Floats:
    """A row for each unit: the best cosine of each of the sentence's tokens in it."""
    edges = np.stack((reading.starts, reading.ends), axis=1).ravel()
    padded = np.concatenate((near, np.full((len(near), 1), -1)), axis=1)  # a unit may end where the tokens do
    return np.maximum.reduceat(padded, edges, axis=1)[:, ::2].T


def _weights(sentence: str, offsets: Sequence[tuple[int, int]]) -> Floats:
    """Content tokens count alike and others not at all; all alike when there is none. They add up to 1."""
    words = (sentence[start:end].lower() for start, end in offsets)
    marked = np.asarray([word.isalnum() and word not in EVERYDAY and not _figure(word) for word in words], dtype=np.float32)
    marked = marked if marked.any() else np.ones_like(marked)
    return marked / marked.sum()


def _cover(own: Floats, weights: Floats) -> list[int]:
    """The rows that hold the sentence together, the best first."""
    chosen = [int(np.argmax(own @ weights))]
    cover = own[chosen[0]]
    while len(chosen) < MOST:
        gains = np.maximum(own, cover) @ weights - cover @ weights
        row = int(np.argmax(gains))
        if gains[row] < GAIN:
            break
        chosen.append(row)
        cover = np.maximum(cover, own[row])
    return chosen


def _shared(words: Sequence[str], texts: Sequence[str]) -> float:
    theirs = {word for text in texts for word in _words(text)}
    return sum(word in theirs for word in words) / len(words) if words else 1.0


def _in_order(words: Sequence[str], others: Sequence[str]) -> float:
    """The longest common subsequence of stems, as a share of the words."""
    mine, theirs = ([stem(each) for each in some] for some in (words, others[:_LONGEST]))
    row = [0] * (len(theirs) + 1)
    for word in mine:
        before = 0
        for place, other in enumerate(theirs, start=1):
            before, row[place] = row[place], before + 1 if word == other else max(row[place], row[place - 1])
    return row[-1] / len(mine) if mine else 1.0


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text).casefold())


def _figure(word: str) -> bool:
    """Whether a word is of a figure: a number, a magnitude, a unit."""
    return word[0].isdigit() or word in SPELLED or word in MAGNITUDES or (len(word) > _LETTER and word in UNITS)
