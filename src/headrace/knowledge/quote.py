"""Quotes: which sentences of the found passages answer the question, and how sure that is.

    quoter = Quoter(minilm)                              # once; safe for any number of threads
    quotes = quoter.quotes(question, passages, limit)    # CPU-bound: off the event loop
    Found(passages, quotes, …, threshold=THRESHOLD)

Late interaction: each word of the question looks for its nearest word in a sentence (MaxSim), and rare words count for more. Words are
compared by the embedder's vectors for them, made over the whole passage, so that a sentence is read in its context.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Protocol

import numpy as np

from headrace.core.values import Quote
from headrace.knowledge.chunk_blocks import Kind
from headrace.knowledge.sentences import units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.core.values import Passage

THRESHOLD = 0.5
"""The calibrated confidence below which a service abstains unless it says otherwise."""


_LINE = re.compile(r"line (\d+)")
_LINE_END = re.compile(r"\r\n|\n|\r")


class Tokens(Protocol):
    """The tokens of one text, in order."""

    @property
    def ids(self) -> Sequence[int]:
        """Places in the embedder's vocabulary."""
        ...

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """Character ranges in the text."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of length one, tokens by dimensions."""
        ...


class TokenEmbedder(Protocol):
    """An embedder that also gives a vector for each token."""

    def token_vectors(self, texts: Sequence[str]) -> Sequence[Tokens]:
        """The tokens of each text, in order."""
        ...


class Quoter:
    """Finds the sentences that answer. Same question and passages, same quotes."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._embedder = embedder

    def quotes(self, question: str, passages: Sequence[Passage], limit: int) -> tuple[Quote, ...]:
        """Up to `limit` quotes that do not overlap, in descending confidence; none when nothing can be quoted.

        A quote's text is exactly the stored characters; its offsets are into the stored text of the passage's version.
        """
        if not passages or limit < 1 or not question.strip():
            return ()
        asked, *read = self._embedder.token_vectors([question, *(passage.text for passage in passages)])
        if not asked.ids:
            return ()
        weights = np.log(np.maximum(2.0, np.asarray(asked.ids, np.float32) - 1000.0))
        found: list[Quote] = []
        for index, (passage, tokens) in enumerate(zip(passages, read, strict=True)):
            near = asked.vectors @ tokens.vectors.T
            for unit in units(passage.text):
                inside = [n for n, (start, end) in enumerate(tokens.offsets) if start >= unit.start and end <= unit.end]
                if unit.kind is Kind.HEADING or not inside:
                    continue
                score = float((near[:, inside].max(axis=1) * weights).sum() / weights.sum())
                start, end = passage.start + unit.start, passage.start + unit.end
                confidence = 1 / (1 + math.exp(-20 * (score - 0.5)))
                found.append(Quote(index, start, end, passage.text[unit.start : unit.end], place_of(passage, unit.start), confidence))
        return tuple(sorted(found, key=lambda quote: (-quote.confidence, quote.passage, quote.start))[:limit])


def place_of(passage: Passage, offset: int) -> str:
    """Where the character at `offset` of a passage's text is, in a person's words: its own line where places are lines, else the place of
    the passage."""
    line = _LINE.fullmatch(passage.place)
    return f"line {int(line[1]) + len(_LINE_END.findall(passage.text, 0, offset))}" if line else passage.place
