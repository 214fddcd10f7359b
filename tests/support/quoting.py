"""What the tests of quotes share: passages, and an embedder of tokens that knows words by their letters alone, so that it is quick."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.core.values import Passage
from headrace.knowledge.passages.chunk import chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.core.values import Quote

WIDTH = 64


@dataclass(frozen=True)
class WordTokens:
    """The words of a text; the same word always has the same vector, and different words nearly orthogonal ones."""

    offsets: tuple[tuple[int, int], ...]
    vectors: NDArray[np.float32]


class WordEmbedder:
    """Port TokenEmbedder without weights. `most` is how many words of one text it sees; `asked` counts the texts that it was given."""

    def __init__(self, most: int = 254) -> None:
        self.most = most
        self.asked: list[str] = []

    def token_vectors(self, texts: Sequence[str]) -> list[WordTokens]:
        self.asked += texts
        return [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> WordTokens:
        found = list(re.finditer(r"\w+|[^\w\s]", text))[: self.most]
        vectors = [_vector(each[0].lower()) for each in found]
        return WordTokens(tuple(each.span() for each in found), np.asarray(vectors, dtype=np.float32).reshape(-1, WIDTH))


def _vector(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
    vector = np.random.default_rng(seed).normal(size=WIDTH)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def passage(text: str, *, start: int = 0, heading: str = "", document: str = "handbook/a.md", place: str = "line 1") -> Passage:
    """A passage of a document whose text begins `start` characters before it."""
    return Passage("p", document, "handbook", "b4" * 32, start, start + len(text), text, place, "handbook", 1, heading=heading)


def passages(text: str, media_type: str = "text/markdown", document: str = "handbook/a.md") -> list[Passage]:
    """The passages of a document, as ingestion makes them."""
    return [
        Passage("p", document, "handbook", "b4" * 32, each.start, each.end, each.text, "line 1", "handbook", rank, heading=each.heading)
        for rank, each in enumerate(chunk(text, media_type), 1)
    ]


def check(quotes: Sequence[Quote], asked: Sequence[Passage], limit: int) -> None:
    """What holds for any quotes: stored characters, inside their passages, apart, in descending confidence."""
    assert len(quotes) <= limit
    for quote in quotes:
        of = asked[quote.passage]
        assert of.start <= quote.start < quote.end <= of.end
        assert quote.text == of.text[quote.start - of.start : quote.end - of.start] == quote.text.strip()
        assert any(each.isalnum() for each in quote.text)
        assert 0 <= quote.confidence <= 1
    sure = [quote.confidence for quote in quotes]
    assert sure == sorted(sure, reverse=True)
    for number, quote in enumerate(quotes):
        for other in quotes[:number]:
            assert quote.passage != other.passage or quote.end <= other.start or other.end <= quote.start
            assert quote.text.split() != other.text.split()
