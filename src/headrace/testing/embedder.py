"""What every Embedder does. Fixture to give: `embedder`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Embedder

TEXTS = (
    "How do I return a purchase?",
    "Goods may be sent back within thirty days; we refund the price.",
    "The volcano erupted at dawn.",
)
_TOLERANCE = 1e-3


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    """The cosine of two vectors of length one."""
    return math.fsum(float(a) * float(b) for a, b in zip(left, right, strict=True))


class EmbedderContract:
    """Derive, and give the fixture `embedder`."""

    def test_one_vector_of_length_one_for_each_text(self, embedder: Embedder) -> None:
        """In order, of the length that `dimensions` says."""
        vectors = embedder.embed(TEXTS)
        assert len(vectors) == len(TEXTS)
        assert all(len(vector) == embedder.dimensions for vector in vectors)
        assert all(abs(dot(vector, vector) - 1.0) < _TOLERANCE for vector in vectors)

    def test_nothing_gives_nothing(self, embedder: Embedder) -> None:
        """No texts, no vectors."""
        assert len(embedder.embed([])) == 0

    def test_an_empty_text_has_a_vector_too(self, embedder: Embedder) -> None:
        """Of length one like any other."""
        (vector,) = embedder.embed([""])
        assert abs(dot(vector, vector) - 1.0) < _TOLERANCE

    def test_the_same_text_has_the_same_vector(self, embedder: Embedder) -> None:
        """Bit for bit, whatever stands beside it."""
        alone = embedder.embed([TEXTS[0]])[0]
        among = embedder.embed([*TEXTS[1:], TEXTS[0], TEXTS[1] * 40])[2]
        assert list(alone) == list(among)

    def test_near_in_meaning_is_near(self, embedder: Embedder) -> None:
        """The answer is nearer to its question than an unrelated sentence is."""
        question, answer, other = embedder.embed(TEXTS)
        assert dot(question, answer) > dot(question, other)

    def test_a_very_long_text_is_taken(self, embedder: Embedder) -> None:
        """What does not fit is not seen; it is no error."""
        assert len(embedder.embed([TEXTS[1] * 500])) == 1

    def test_the_identity_is_stable(self, embedder: Embedder) -> None:
        """And says something."""
        assert embedder.identity
        assert embedder.identity == embedder.identity
