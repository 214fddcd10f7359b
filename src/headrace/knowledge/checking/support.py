"""How well the passages support a sentence, in two numbers (late interaction, as for quotes, and shared words).

The sentence is compared with the units of the passages: the one that is nearest, and up to two more that hold what it lacks. Those are what
would be cited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.knowledge.checking.everyday import EVERYDAY
from headrace.knowledge.checking.figure_words import MAGNITUDES, SPELLED, UNITS
from headrace.knowledge.checking.folded import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
_LOWEST = 4
"""One part in so many of a sentence's words: those that are farthest from everything in the passages."""


@dataclass(frozen=True, slots=True)
class Supported:
    """What supports a sentence: units as (passage, unit), the first the nearest, and how well.

    farthest  mean cosine, to the nearest token of the units, of those of the sentence's content tokens that are farthest
    words     share of its words, *the* and *of* too, that stand in the units' passages and their headings

    Figures and units play no part: whether they are held is known for sure.
    """

    units: tuple[tuple[int, Unit], ...]
    farthest: float
    words: float


def support(sentence: str, asked: Tokens, passages: Sequence[Evidence], readings: Sequence[Reading]) -> Supported | None:
    """What supports a sentence best; None when there is nothing to compare."""
    places = [(place, unit) for place, reading in enumerate(readings) for unit in reading.units]
    if not places or not len(asked.offsets):
        return None
    near = [asked.vectors @ reading.vectors.astype(np.float32).T for reading in readings]
    own = np.concatenate([_by_unit(each, reading) for each, reading in zip(near, readings, strict=True) if reading.units])
    weights = _weights(sentence, asked.offsets)
    chosen = _cover(own, weights)
    units = tuple(places[row] for row in chosen)
    pages = [text for place in sorted({place for place, _ in units}) for text in (passages[place].heading, passages[place].text)]
    return Supported(units, _farthest(own[chosen].max(axis=0), weights), _shared(sentence, pages))


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


def _farthest(cosines: Floats, weights: NDArray[np.floating]) -> float:
    counted = np.sort(cosines[weights > 0])
    return float(counted[: max(1, len(counted) // _LOWEST)].mean())


def _shared(sentence: str, texts: Sequence[str]) -> float:
    mine = [word for word in _words(sentence) if not _figure(word)]
    theirs = {word for text in texts for word in _words(text)}
    return sum(word in theirs for word in mine) / len(mine) if mine else 1.0


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text).casefold())


def _figure(word: str) -> bool:
    """Whether a word is of a figure: a number, a magnitude, a unit."""
    return word[0].isdigit() or word in SPELLED or word in MAGNITUDES or (len(word) > _LETTER and word in UNITS)
